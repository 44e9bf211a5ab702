"""What a peer connection can send: a microphone, a tone, a clip, silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from rtc_widget.comm.media import ClipOffers, PcmClip

if TYPE_CHECKING:
    from rtc_widget.comm.media import ClipSource

    MediaSource = None | Literal["microphone", "silence"] | Mapping[str, Any] | ClipSource


def microphone(constraints: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the message for a microphone; the constraints are those of W3C Media Capture."""
    return {"kind": "microphone"} | ({} if constraints is None else {"constraints": dict(constraints)})


def tone(hz: float, level: float) -> dict[str, Any]:
    """Return the message for a sine tone.

    Raises
    ------
    ValueError
        If it cannot be heard.
    """
    if not 20 <= hz <= 20_000:
        raise ValueError(f"hz must be between 20 and 20,000, got {hz}.")
    if not 0 <= level <= 1:
        raise ValueError(f"level must be between 0 and 1, got {level}.")
    return {"kind": "tone", "hz": hz, "level": level}


def media_to_wire(media: MediaSource, clips: ClipOffers) -> dict[str, Any] | None:
    """Return the message for any media; a clip is offered to the page.

    Raises
    ------
    InvalidAudio, ClipTooLong, OSError
        If it is a clip that cannot be played or read.
    """
    if media is None:
        return None
    if isinstance(media, Mapping):
        return dict(media)
    if isinstance(media, str) and media in ("microphone", "silence"):
        return {"kind": media}
    return {"kind": "clip", "clip": clips.offer(PcmClip.of(media))}
