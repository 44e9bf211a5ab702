"""Sends the audio of both sides to the kernel, in chunks."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import numpy as np
from av import AudioFrame

from rtc_widget._aiortc.audio import Resampler
from rtc_widget.types import Track

RATE = 24_000
CHUNK_SAMPLES = RATE // 5
MAX_JITTER_MS = 500.0
"""Audio is timed by its samples, unless they differ from the clock by more than this: then frames were lost or late."""


class TrackRecorder:
    """Records one side of one call.

    Parameters
    ----------
    track : {"user", "assistant"}
        The side.
    post : callable
        Sends an ``audio`` message with these fields.
    """

    def __init__(self, track: Track, post: Callable[..., None]) -> None:
        self._track = track
        self._post = post
        self._origin_ms: float | None = None
        self._start_segment()

    def take(self, frame: AudioFrame) -> None:
        """Add a frame that was sent or received now."""
        now = time.time() * 1000
        expected = self._expected_ms()
        if expected is not None and abs(now - expected) > MAX_JITTER_MS:
            self.flush()
            expected = None
        if expected is None:
            self._start_segment()
            self._origin_ms = now
        samples = self._resampler.resample(frame)
        self._received_ms += frame.samples / frame.sample_rate * 1000
        self._waiting.append((samples * 32767).astype("<i2"))
        self._size += len(samples)
        if self._size >= CHUNK_SAMPLES:
            self._send()

    def flush(self) -> None:
        """Send the rest, even if it is shorter than a chunk."""
        if self._size:
            self._send()

    def _start_segment(self) -> None:
        self._resampler = Resampler(RATE)
        self._waiting: list[np.ndarray[tuple[int], np.dtype[np.int16]]] = []
        self._size = 0
        self._sent = 0
        self._received_ms = 0.0

    def _expected_ms(self) -> float | None:
        return None if self._origin_ms is None else self._origin_ms + self._received_ms

    def _send(self) -> None:
        assert self._origin_ms is not None  # noqa: S101 - set by the first frame
        data = np.concatenate(self._waiting)
        at_ms = self._origin_ms + self._sent / RATE * 1000
        self._sent += len(data)
        self._waiting, self._size = [], 0
        if not data.any():
            return  # the kernel treats a gap as silence
        encoded = base64.b64encode(data.tobytes()).decode()
        self._post(track=self._track, rate=RATE, at_ms=at_ms, lost=0, data=encoded)
