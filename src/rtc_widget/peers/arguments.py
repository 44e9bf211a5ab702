"""Checks the arguments of operations, and turns them into what the page reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rtc_widget.kernel.operation import Operation
from rtc_widget.peers.events import PeerEvent

if TYPE_CHECKING:
    from rtc_widget.sdp.description import SessionDescription
    from rtc_widget.types import SdpType

    Description = SessionDescription | Mapping[str, Any] | str
    Candidate = PeerEvent | Mapping[str, Any] | str | None


def description_to_wire(description: Description, type: SdpType | None = None) -> dict[str, str]:
    """Return a description as the page reads it; its text is never changed.

    Raises
    ------
    TypeError
        If it has no text or no type.
    ValueError
        If the type is unknown.
    """
    from rtc_widget.sdp.description import SessionDescription

    require_awaited(description)
    read = SessionDescription(description, type)
    kind = type or read.type
    if kind is None:
        raise TypeError('description must have a type: pass type="offer" or type="answer" with a text.')
    return {"type": kind, "sdp": str(read)}


def candidate_to_wire(candidate: Candidate) -> dict[str, Any] | None:
    """Return a candidate as the page reads it; None is the end of the candidates.

    Raises
    ------
    TypeError
        If it is neither an event with a candidate, nor a mapping, text or None.
    """
    require_awaited(candidate)
    if isinstance(candidate, PeerEvent):
        if candidate.type != "icecandidate":
            raise TypeError(f"candidate must be an icecandidate event, got {candidate!r}.")
        candidate = candidate.payload.get("candidate")
    if candidate is None:
        return None
    if isinstance(candidate, str):
        return {"candidate": candidate}
    if isinstance(candidate, Mapping):
        return dict(candidate)
    raise TypeError(f"candidate must be a mapping, an icecandidate event or None, got {candidate!r:.100}.")


def require_awaited(value: object) -> None:
    """Require that a value is not an operation whose ``await`` was forgotten.

    Raises
    ------
    TypeError
        Says what to write.
    """
    if isinstance(value, Operation):
        value.require_result()


def channel_options(**options: Any) -> dict[str, Any]:
    """Return the options of a data channel that were given."""
    return {name: value for name, value in options.items() if value is not None}
