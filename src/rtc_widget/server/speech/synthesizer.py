"""Speaking with hibari, whose voice lies in its wheel (Apache-2.0).

One voice is in the package: "heart". It is trained on American English; with the British pronunciation that the
package brings as well, the same speaker says "tomato" and "schedule" the British way ("heart-british"). The other
voices of hibari are downloads. None is made here, but who has fetched one (`hibari --voice emma …`) can use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from rtc_widget._aiortc.audio import MonoAudio, samples_of

AMERICAN, BRITISH = "heart", "heart-british"

NEAREST: Mapping[str, str] = {
    "alloy": AMERICAN,
    "ash": AMERICAN,
    "ballad": BRITISH,
    "cedar": AMERICAN,
    "coral": AMERICAN,
    "echo": AMERICAN,
    "marin": AMERICAN,
    "sage": AMERICAN,
    "shimmer": AMERICAN,
    "verse": BRITISH,
}
"""OpenAI's voices, and by which voice each is spoken here: there is one speaker, with two accents."""

LEAD_SECONDS = 0.02
TAIL_SECONDS = 0.18
AUDIBLE = 0.01
"""Samples below this are silence; hibari's voice peaks at about 0.5."""


def is_available() -> bool:
    """Return whether hibari is here."""
    return find_spec("hibari") is not None


def voices() -> tuple[str, ...]:
    """Return the voices that are on this machine, without loading any."""
    from hibari.voices import VOICES, cache_dir

    fetched = (name for name, about in VOICES.items() if (Path(cache_dir()) / about["file"]).is_file())
    return (AMERICAN, BRITISH, *(name for name in fetched if name != AMERICAN))


class Hibari:
    """A `Speaker`: English voices, 24 kHz.

    Parameters
    ----------
    default : str
        The voice that speaks when a client asks for none that is here.
    """

    def __init__(self, default: str = AMERICAN) -> None:
        if default not in voices():
            raise ValueError(f"There is no voice {default!r} on this machine; there are {', '.join(voices())}.")
        self._default = default
        self._loaded: dict[str, Any] = {}
        self._voice(default)

    @property
    def name(self) -> str:
        """What speaks, for people."""
        return f"hibari ({self._default}; voices: {', '.join(voices())})"

    def speak(self, text: str, *, voice: str = AMERICAN, speed: float = 1.0) -> MonoAudio:
        """Return `text` spoken at `speed` (1.0 is the natural pace)."""
        speaking = self._voice(self._nearest(voice))
        # The seed makes the same words the same sound, so that a recording can be compared with another.
        samples = samples_of(speaking(text, speed=speed, seed=0)) if any(map(str.isalnum, text)) else samples_of([])
        return _trimmed(MonoAudio(samples, speaking.sample_rate))

    def _nearest(self, voice: str) -> str:
        # What is the server's default, a client gets as well when it asks for nothing in particular.
        if voice == AMERICAN or voice not in {*NEAREST, *voices()}:
            return self._default
        return NEAREST.get(voice, voice)

    def _voice(self, name: str) -> Any:
        if name not in self._loaded:
            import hibari
            from hibari.g2p import G2P

            # One thread speaks a sentence in 30 ms; more would take the cores from the media.
            british = G2P(british=True) if name == BRITISH else None
            self._loaded[name] = hibari.Hibari(AMERICAN if name == BRITISH else name, threads=1, g2p=british)
        return self._loaded[name]


def _trimmed(sound: MonoAudio) -> MonoAudio:
    """Cut the 310 ms of silence before and 480 ms after that hibari adds: they would be pure waiting."""
    loud = np.flatnonzero(np.abs(sound.samples) > AUDIBLE)
    if len(loud) == 0:
        return MonoAudio(samples_of([]), sound.rate)
    first = max(0, int(loud[0]) - int(LEAD_SECONDS * sound.rate))
    last = int(loud[-1]) + int(TAIL_SECONDS * sound.rate)
    return MonoAudio(sound.samples[first:last], sound.rate)
