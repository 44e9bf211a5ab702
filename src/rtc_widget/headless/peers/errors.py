"""W3C errors, as they are sent to the kernel."""

from __future__ import annotations

from rtc_widget.errors import RtcWidgetError
from rtc_widget.errors.texts import text

ERROR_NAMES = frozenset(
    {
        "InvalidStateError",
        "OperationError",
        "InvalidAccessError",
        "InvalidModificationError",
        "SyntaxError",
        "TypeError",
        "NotSupportedError",
        "NotAllowedError",
        "NotFoundError",
        "RangeError",
        "RTCError",
        "NetworkError",
        "UnknownError",
    }
)
"""The names of ``DOMException`` (Web IDL, section 2.8.1) and of JavaScript that `PeerConnection` knows."""

_ENGINES = ("webrtc", "wrtc", "aiortc")

_NAMES = {
    "InvalidSyntaxError": "SyntaxError",
    "InvalidRangeError": "RangeError",
    # An RTCError is a DOMException of the name OperationError (WebRTC, section 11.1).
    "RTCError": "OperationError",
    "InternalError": "OperationError",
}
"""Classes of the engines whose W3C name is another."""


class PeerFailure(RtcWidgetError):
    """An operation of a peer has failed; `name` is the code on the wire.

    Parameters
    ----------
    name : str
        The name of a W3C error, ``"peer_not_found"`` or ``"too_many_peers"``.
    message : str
        What happened.
    hint : str, optional
        What to do next; the kernel has its own hints for the W3C errors.
    """

    def __init__(self, name: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.name = name

    def to_wire(self) -> dict[str, str]:
        """Return the error as the page in the browser sends a ``DOMException``."""
        return {"code": self.name, "message": self.message, "hint": self.hint}


def closed_meanwhile() -> PeerFailure:
    """A `close` has overtaken the operation."""
    return PeerFailure("InvalidStateError", text("peer_closed_meanwhile"))


def not_of_this_peer(kind: str, handle: object) -> PeerFailure:
    """A handle names nothing, or something of another kind."""
    return PeerFailure("TypeError", text("not_of_this_peer", kind=kind, handle=handle))


def peer_not_found() -> PeerFailure:
    """The page does not have the connection that the kernel names."""
    return PeerFailure("peer_not_found", text("peer_not_found"), text("peer_not_found_hint"))


def too_many_peers(limit: int) -> PeerFailure:
    """So many connections are open already."""
    return PeerFailure("too_many_peers", text("too_many_peers", limit=limit), text("too_many_peers_hint"))


def failure_of(raised: Exception) -> PeerFailure | None:
    """Return the W3C error of an exception, or None if it is a defect."""
    if isinstance(raised, PeerFailure):
        return raised
    kind = type(raised)
    if kind.__module__.partition(".")[0] in _ENGINES:
        name = _NAMES.get(kind.__name__, kind.__name__)
        message = str(raised) or f"The connection refuses this: {kind.__name__}."
        return PeerFailure(name if name in ERROR_NAMES else "OperationError", message)
    if isinstance(raised, TypeError | ValueError):
        # Web IDL: a value that an enumeration does not have is a TypeError.
        return PeerFailure("TypeError", str(raised))
    return None
