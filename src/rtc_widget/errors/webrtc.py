"""Errors of peer connections: one class for each W3C error name, with a reason and a next step.

``webrtc.json`` has the texts by error name. Of each list the first entry counts whose ``ops`` and ``states`` fit the
operation and the signaling state; an entry without them fits all.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rtc_widget.errors.base import RtcWidgetError

_TEXTS: dict[str, list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("webrtc.json").read_text(encoding="utf-8")
)


class WebRTCError(RtcWidgetError):
    """An operation of a peer connection failed.

    Attributes
    ----------
    name : str
        The name of the error (Web IDL, ``DOMException``; W3C WebRTC, section 11), such as ``"InvalidStateError"``.
    operation : str
        The operation that failed, such as ``"create_answer"``.
    why : str
        The likely reason.
    what_next : str
        What to do next.
    """

    code = "webrtc"
    operation = ""
    why = ""
    what_next = ""

    @property
    def name(self) -> str:
        """The name of the error."""
        return self.code

    @classmethod
    def explained(cls, message: str, operation: str, signaling_state: str) -> WebRTCError:
        """Return the error with the reason and the next step that fit an operation and a signaling state.

        Examples
        --------
        >>> error = InvalidStateError.explained("No remote offer.", "create_answer", "stable")
        >>> print(error.what_next)
        Set the offer first: `await pc.set_remote_description(offer)`.
        """
        text = _text_for(cls.code, operation, signaling_state)
        # A browser's message may end without a full stop.
        sentence = message if message.endswith((".", "!", "?")) else f"{message}."
        error = cls(sentence, hint=f"{text['why']} {text['next']}".strip())
        error.operation, error.why, error.what_next = operation, text["why"], text["next"]
        return error


def _text_for(name: str, operation: str, signaling_state: str) -> dict[str, str]:
    for text in _TEXTS.get(name, ()):
        if operation in text.get("ops", (operation,)) and signaling_state in text.get("states", (signaling_state,)):
            return text
    return {"why": "", "next": ""}


class InvalidStateError(WebRTCError):
    """The operation does not fit the present state."""

    code = "InvalidStateError"


class PeerClosed(InvalidStateError):
    """The peer connection is closed."""

    code = "peer_closed"


class PeerNotFound(PeerClosed):
    """The page does not have this peer connection."""

    code = "peer_not_found"


class TooManyPeers(WebRTCError):
    """The page has too many open peer connections."""

    code = "too_many_peers"


class OperationError(WebRTCError):
    """The browser could not carry out the operation."""

    code = "OperationError"


class InvalidAccessError(WebRTCError):
    """The object or argument must not be used here."""

    code = "InvalidAccessError"


class InvalidModificationError(WebRTCError):
    """Something was changed that must stay the same."""

    code = "InvalidModificationError"


class WebRTCSyntaxError(WebRTCError, ValueError):
    """A text has the wrong form: the W3C's ``SyntaxError``."""

    code = "SyntaxError"


class WebRTCTypeError(WebRTCError, TypeError):
    """An argument is wrong: JavaScript's ``TypeError``."""

    code = "TypeError"


class NotSupportedError(WebRTCError):
    """The page's WebRTC lacks the operation."""

    code = "NotSupportedError"


class NotAllowedError(WebRTCError):
    """The user or the browser refused."""

    code = "NotAllowedError"


class NotFoundError(WebRTCError):
    """What the operation needs was not found."""

    code = "NotFoundError"


class WebRTCRangeError(WebRTCError, ValueError):
    """A number is out of its range: JavaScript's ``RangeError``."""

    code = "RangeError"


class RTCError(WebRTCError):
    """The connection reports a failure of its own (W3C ``RTCError``)."""

    code = "RTCError"


class NetworkError(WebRTCError):
    """The network or the other side ended the operation."""

    code = "NetworkError"


class UnknownError(WebRTCError):
    """The browser gives no standard reason."""

    code = "UnknownError"
