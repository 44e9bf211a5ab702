"""The assistant's sound: reported where the server does not say when it is heard.

The twin of ``js/src/call/output_sound.ts``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from av import AudioFrame

from rtc_widget.headless.sound_detector import SILENCE_MS, SoundChange, SoundDetector

REPORT_SECONDS = 0.3
"""A server that reports its audio does so before the sound; its report is awaited for so long."""
TICK_SECONDS = 0.1
MISSING_TICKS = 15
"""So many ticks without a frame count as silence; counted, since a process that was stopped has seen nothing."""
MAX_SILENCED_SECONDS = 10.0
"""A voice that goes on after an interruption is heard again after this time."""
_TIMESTAMPS = 2**32


class FrameTimes:
    """When frames were received, on the clock of the page, by their RTP timestamps.

    Frames are late, never early: the least delay so far is the most accurate.

    Parameters
    ----------
    now_ms : callable
        Returns the milliseconds since 1970.
    """

    def __init__(self, now_ms: Callable[[], float]) -> None:
        self._now_ms = now_ms
        self._expected: tuple[int, Fraction] | None = None
        self._media_ms = 0.0
        self._offset_ms = 0.0

    def place(self, frame: AudioFrame) -> tuple[float, float]:
        """Return when the frame began, and how much audio is missing before it; both in milliseconds."""
        duration_ms = 1000 * frame.samples / frame.sample_rate
        begins_anew, gap_ms = self._expected is None, 0.0
        if frame.pts is not None and frame.time_base is not None:
            if self._expected is not None and self._expected[1] == frame.time_base:
                ticks = (frame.pts - self._expected[0]) % _TIMESTAMPS
                # Half of the range and more is a step back: the source began again.
                begins_anew = ticks >= _TIMESTAMPS // 2
                gap_ms = 0.0 if begins_anew else float(1000 * ticks * frame.time_base)
            samples = round(Fraction(frame.samples, frame.sample_rate) / frame.time_base)
            self._expected = (frame.pts + samples, frame.time_base)
        elif self._expected is None:
            self._expected = (0, Fraction(1))
        self._media_ms += gap_ms + duration_ms
        offset_ms = self._now_ms() - self._media_ms
        self._offset_ms = offset_ms if begins_anew else min(self._offset_ms, offset_ms)
        return self._media_ms - duration_ms + self._offset_ms, gap_ms


class OutputSound:
    """Measures what is received of one call; used on the page's loop.

    Parameters
    ----------
    on_change : callable
        Called when the assistant has become audible or silent, and the server has not said so.
    now_ms : callable
        Returns the milliseconds since 1970.
    """

    def __init__(self, on_change: Callable[[SoundChange], None], now_ms: Callable[[], float]) -> None:
        self._on_change = on_change
        self._now_ms = now_ms
        self._detector = SoundDetector()
        self._times = FrameTimes(now_ms)
        self._is_reported = False
        # Changes that wait for the server's report; None after the first ones have waited.
        self._held: list[SoundChange] | None = []
        self._is_silenced = False
        self._timers: list[asyncio.TimerHandle] = []
        self._watching: asyncio.Task[None] | None = None
        self._missing = 0

    def server_reports(self) -> None:
        """The server says itself when its audio is heard."""
        self._is_reported = True

    def silence(self) -> None:
        """Count the voice, if it is heard, as silent until it has paused."""
        if not self._detector.is_audible or self._is_silenced:
            return
        self._is_silenced = True
        self._later(MAX_SILENCED_SECONDS, self._end_silence)
        self._report(SoundChange(False, self._now_ms()))

    def end(self) -> None:
        """The call is over; harmless to repeat."""
        for timer in self._timers:
            timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    def take(self, frame: AudioFrame) -> None:
        """Take the next received frame."""
        if self._is_reported:
            return
        self._missing = 0
        start_ms, gap_ms = self._times.place(frame)
        if gap_ms:
            self._measure(0.0, start_ms - gap_ms, gap_ms)
        self._measure(_rms(frame), start_ms, 1000 * frame.samples / frame.sample_rate)

    def _measure(self, level: float, start_ms: float, duration_ms: float) -> None:
        change = self._detector.take(level, start_ms, duration_ms)
        if change is None:
            return
        if change.is_audible and self._watching is None:
            self._watching = asyncio.create_task(self._watch())
        if self._is_silenced:
            self._is_silenced = False  # it has paused
        else:
            self._report(change)

    async def _watch(self) -> None:
        """Notice that nothing is received any more: there are servers that send no silence."""
        while not self._is_reported:
            await asyncio.sleep(TICK_SECONDS)
            self._missing += 1
            if self._missing == MISSING_TICKS:
                self._measure(0.0, self._now_ms(), SILENCE_MS)

    def _report(self, change: SoundChange) -> None:
        if self._is_reported:
            return
        if self._held is None:
            self._on_change(change)
            return
        self._held.append(change)
        if len(self._held) == 1:
            self._later(REPORT_SECONDS, self._release)

    def _release(self) -> None:
        held, self._held = self._held or [], None
        for change in held:
            if not self._is_reported:
                self._on_change(change)

    def _end_silence(self) -> None:
        if self._is_silenced:
            self._is_silenced = False
            self._report(SoundChange(True, self._now_ms()))

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, call))


def _rms(frame: AudioFrame) -> float:
    """Return the RMS level, 0 to 1."""
    samples = frame.to_ndarray().astype(np.float64) / 32768
    return float(np.sqrt(np.mean(samples**2))) if samples.size else 0.0
