"""Speaking with hibari, whose voice lies in its wheel (Apache-2.0)."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from rtc_widget.local.speech import Sound, samples_of

LEAD_SECONDS = 0.02
TAIL_SECONDS = 0.18
AUDIBLE = 0.01
"""Samples below this are silence; hibari's voice peaks at about 0.5."""


def is_available() -> bool:
    """Return whether hibari is here."""
    return find_spec("hibari") is not None


class Hibari:
    """A `Speaker`: an American English voice, 24 kHz."""

    name = "hibari (heart, American English)"

    def __init__(self) -> None:
        import hibari

        # One thread speaks a sentence in 30 ms; more would take the cores from the media.
        self._voice = hibari.Hibari(threads=1)

    def speak(self, text: str, *, speed: float = 1.0) -> Sound:
        """Return `text` spoken at `speed` (1.0 is the natural pace)."""
        # The seed makes the same words the same sound, so that a recording can be compared with another.
        samples = samples_of(self._voice(text, speed=speed, seed=0)) if any(map(str.isalnum, text)) else samples_of([])
        return _trimmed(Sound(samples, self._voice.sample_rate))


def _trimmed(sound: Sound) -> Sound:
    """Cut the 310 ms of silence before and 480 ms after that hibari adds: they would be pure waiting."""
    loud = np.flatnonzero(np.abs(sound.samples) > AUDIBLE)
    if len(loud) == 0:
        return Sound(samples_of([]), sound.rate)
    first = max(0, int(loud[0]) - int(LEAD_SECONDS * sound.rate))
    last = int(loud[-1]) + int(TAIL_SECONDS * sound.rate)
    return Sound(sound.samples[first:last], sound.rate)
