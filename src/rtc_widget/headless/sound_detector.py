"""When audio becomes audible and silent, by the levels of its blocks; the twin of ``js/src/media/sound_detector.ts``.

``tests/contract/sound_detector.json`` holds both together.
"""

from __future__ import annotations

from dataclasses import dataclass

AUDIBLE_LEVEL = 10 ** (-54 / 20)
"""-54 dBFS (RMS)."""
SILENCE_MS = 500.0
"""A shorter silence is a pause within speech."""


@dataclass(frozen=True, slots=True)
class SoundChange:
    """Audio became audible at `at_ms`, or its last sound ended then."""

    is_audible: bool
    at_ms: float


class SoundDetector:
    """Counts in the time of the audio, not of a clock: a starved machine measures the same, only later."""

    def __init__(self) -> None:
        self.is_audible = False
        self._silent_ms = 0.0
        self._sound_end_ms = 0.0

    def take(self, level: float, start_ms: float, duration_ms: float) -> SoundChange | None:
        """Take the next block of audio, with its RMS level (0 to 1); return the change that it makes."""
        if level > AUDIBLE_LEVEL:
            self._silent_ms = 0.0
            self._sound_end_ms = start_ms + duration_ms
            if self.is_audible:
                return None
            self.is_audible = True
            return SoundChange(True, start_ms)
        self._silent_ms += duration_ms
        if not self.is_audible or self._silent_ms < SILENCE_MS:
            return None
        self.is_audible = False
        return SoundChange(False, self._sound_end_ms)
