"""The audio that a peer of a headless page sends: a tone, a clip or silence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget.headless.peers.errors import PeerFailure

RATE = 48_000
FRAME_SECONDS = 0.02
FRAME_LENGTH = round(RATE * FRAME_SECONDS)

Pcm = npt.NDArray[np.int16]


class AudioSource(Protocol):
    """Audio of 48 kHz without an end.

    Attributes
    ----------
    label : str
        What a track with this audio is called.
    """

    @property
    def label(self) -> str: ...  # noqa: D102

    def read(self, length: int) -> Pcm:
        """Return the next samples."""


class Silence:
    """No audio."""

    label = "silence"

    def read(self, length: int) -> Pcm:
        """Return zeros."""
        return np.zeros(length, np.int16)


class Tone:
    """A sine wave.

    Parameters
    ----------
    hz : float
        Its frequency.
    level : float
        Its peak, from 0 to 1.
    """

    def __init__(self, hz: float, level: float) -> None:
        if not 0 < hz <= RATE / 2:
            raise PeerFailure("TypeError", f"hz must be more than 0 and at most {RATE // 2}, got {hz!r}.")
        if not 0 <= level <= 1:
            raise PeerFailure("TypeError", f"level must be between 0 and 1, got {level!r}.")
        self.label = f"tone of {hz:g} Hz"
        self._step = 2 * np.pi * hz / RATE
        self._peak = level * 32767
        self._phase = 0.0

    def read(self, length: int) -> Pcm:
        """Return the next samples of the wave."""
        phases = self._phase + self._step * np.arange(length)
        self._phase = float((self._phase + self._step * length) % (2 * np.pi))
        pcm: Pcm = (self._peak * np.sin(phases)).astype(np.int16)
        return pcm


class PlayedClip:
    """A clip that is played once, as soon as the other side can hear it; silence follows.

    Parameters
    ----------
    audio : MonoAudio
        Its samples.
    is_connected : callable
        Whether the other side can hear it.
    """

    label = "clip"

    def __init__(self, audio: MonoAudio, is_connected: Callable[[], bool]) -> None:
        self._pcm = (np.clip(audio.at(RATE).samples, -1, 1) * 32767).astype(np.int16)
        self._at = 0
        self._is_connected = is_connected

    def read(self, length: int) -> Pcm:
        """Return the next samples."""
        pcm = np.zeros(length, np.int16)
        if self._at == 0 and not self._is_connected():
            return pcm
        part = self._pcm[self._at : self._at + length]
        pcm[: len(part)] = part
        self._at += len(part)
        return pcm


async def audio_source(
    media: Mapping[str, Any], fetch_clip: Callable[[str], Awaitable[MonoAudio]], is_connected: Callable[[], bool]
) -> AudioSource:
    """Return the audio that a message describes.

    Raises
    ------
    PeerFailure
        ``NotFoundError`` for a microphone, which such a page has not; ``TypeError`` for an unknown kind.
    """
    match media.get("kind"):
        case "tone":
            return Tone(media.get("hz", 440), media.get("level", 0.2))
        case "clip":
            clip = media.get("clip")
            if not isinstance(clip, str):
                raise PeerFailure("TypeError", f"clip must be the id of a clip, got {clip!r}.")
            return PlayedClip(await fetch_clip(clip), is_connected)
        case "silence":
            return Silence()
        case "microphone":
            raise PeerFailure(
                "NotFoundError", "A page without a browser has no microphone: send a tone or a clip, add_tone(hz=440)."
            )
        case kind:
            kinds = "'microphone', 'tone', 'clip' or 'silence'"
            raise PeerFailure("TypeError", f"media must be of kind {kinds}, got {kind!r}.")
