"""Receives the audio and statistics of pages, and provides the clips that pages play."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from rtc_widget.comm import protocol
from rtc_widget.comm.messages import Audio, Stats
from rtc_widget.comm.protocol import Message
from rtc_widget.errors import ClipNotFound, ClipTooLong, RtcWidgetError

if TYPE_CHECKING:
    import numpy.typing as npt

    from rtc_widget.audio.clip import AudioClip

    ClipSource = AudioClip | str | Path | npt.ArrayLike

PART_BYTES = 262_144
"""The size of a clip's part in one message; Jupyter's WebSocket refuses messages of 10 MB."""
LONGEST_CLIP_SECONDS = 600.0
# What every browser's AudioBuffer takes (W3C Web Audio, section 1.4).
_LOWEST_RATE, _HIGHEST_RATE = 8_000, 96_000


@dataclass(frozen=True, slots=True)
class PcmClip:
    """A clip for a page: signed 16-bit little-endian mono samples, `rate` per second."""

    pcm: bytes
    rate: int

    @classmethod
    def of(cls, source: ClipSource) -> PcmClip:
        """Return the samples of a clip, a path or an array.

        Raises
        ------
        InvalidAudio, ClipTooLong
            If it cannot be played.
        """
        from rtc_widget.audio.clip import RATE, AudioClip

        clip = AudioClip.of(source)
        require_short(clip)
        if not _LOWEST_RATE <= clip.sample_rate <= _HIGHEST_RATE:
            clip = clip.resample(RATE)
        return cls(clip.pcm.astype("<i2").tobytes(), clip.sample_rate)

    @property
    def seconds(self) -> float:
        """Its duration, in seconds."""
        return len(self.pcm) / 2 / self.rate


def require_short(clip: AudioClip) -> None:
    """Raise an error if a page does not take such a long clip.

    Raises
    ------
    ClipTooLong
        Says how long it may be.
    """
    if clip.duration > LONGEST_CLIP_SECONDS:
        raise ClipTooLong(f"The clip lasts {clip.duration:.0f} s; a page takes {LONGEST_CLIP_SECONDS:.0f} s.")


class ClipOffers:
    """The clips that pages may fetch; safe on any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._clips: dict[str, PcmClip] = {}
        self._numbers = itertools.count(1)

    def offer(self, pcm_clip: PcmClip) -> str:
        """Offer a clip to pages until it is withdrawn; return its id."""
        with self._lock:
            id = f"c{next(self._numbers)}"
            self._clips[id] = pcm_clip
            return id

    def withdraw(self, clip: str) -> None:
        """Stop offering a clip; harmless to repeat."""
        with self._lock:
            self._clips.pop(clip, None)

    def part(self, clip: str, first: int) -> Mapping[str, object] | RtcWidgetError:
        """Return the part of a clip that begins at byte `first`."""
        with self._lock:
            pcm_clip = self._clips.get(clip)
        if pcm_clip is None:
            return ClipNotFound("The clip has been withdrawn.")
        end = first + PART_BYTES
        return {
            "rate": pcm_clip.rate,
            "data": base64.b64encode(pcm_clip.pcm[first:end]).decode(),
            "next": end if end < len(pcm_clip.pcm) else None,
        }


class MediaStore(Protocol):
    """Stores the audio and statistics of pages; called on the thread that received them."""

    def record_attempt(self, attempt: str, *, resumes: bool) -> None:
        """Record whether an attempt resumes the call before it."""

    def keep(self, message: Audio | Stats) -> None:
        """Store a message; each comes once, in the order in which its page sent it."""


class MediaReceiver:
    """Receives media messages; safe on any thread.

    Parameters
    ----------
    store : MediaStore
        Stores the messages.
    """

    def __init__(self, store: MediaStore) -> None:
        self._store = store
        self._lock = Lock()
        self._next: dict[str, int] = {}

    def record_attempt(self, attempt: str, *, resumes: bool) -> None:
        """Record whether an attempt resumes the call before it; harmless to repeat."""
        self._store.record_attempt(attempt, resumes=resumes)

    def take(self, message: Audio | Stats) -> Message:
        """Receive a message and return the acknowledgment for its page."""
        with self._lock:
            expected = self._next.get(message.page, 0)
            if message.number > expected:
                return protocol.media_ack(message.page, expected, missing=True)
            if message.number == expected:
                # Under the lock: two threads must not swap two chunks of audio.
                self._store.keep(message)
                self._next[message.page] = expected = expected + 1
            return protocol.media_ack(message.page, expected, missing=False)
