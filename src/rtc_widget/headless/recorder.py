"""What both sides are heard to say, in pieces for the kernel."""

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
"""Sound is placed by its own clock, unless that and the wall's differ by more: then something was lost or held up."""


class TrackRecorder:
    """One side of one call.

    Parameters
    ----------
    track : {"user", "assistant"}
        Which side.
    post : callable
        Takes the fields of an ``audio`` message.
    """

    def __init__(self, track: Track, post: Callable[..., None]) -> None:
        self._track = track
        self._post = post
        self._origin_ms: float | None = None
        self._start_segment()

    def take(self, frame: AudioFrame) -> None:
        """Take in a frame that is heard now."""
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
        """Send what there is, also if it is less than a piece."""
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
        assert self._origin_ms is not None  # noqa: S101 - what waits has come at some time
        data = np.concatenate(self._waiting)
        at_ms = self._origin_ms + self._sent / RATE * 1000
        self._sent += len(data)
        self._waiting, self._size = [], 0
        if not data.any():
            return  # a gap reads as silence on the other end, so silence need not travel
        encoded = base64.b64encode(data.tobytes()).decode()
        self._post(track=self._track, rate=RATE, at_ms=at_ms, lost=0, data=encoded)
