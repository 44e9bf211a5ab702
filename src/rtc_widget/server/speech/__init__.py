"""Hearing and speaking: the interfaces, and the engines behind them."""

from __future__ import annotations

from typing import Protocol

from rtc_widget._aiortc.audio import Samples, Sound

HEARING_RATE = 16_000
"""Samples per second of everything that is listened to."""


class Recognizer(Protocol):
    """Turns speech into text. Called in a worker thread, one call at a time."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def recognize(self, samples: Samples) -> str:
        """Return what is said in `samples` (16 kHz); the empty string when nothing is."""
        ...


class Speaker(Protocol):
    """Turns text into speech. Called in a worker thread, one call at a time."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def speak(self, text: str, *, voice: str = "heart", speed: float = 1.0) -> Sound:
        """Return `text` spoken; an empty sound when nothing in it can be said.

        `voice` is what the client chose: an OpenAI name or one of the engine's own. An engine that has no such voice
        takes its nearest.
        """
        ...


class VoiceDetector(Protocol):
    """Says how likely a short frame is speech. It remembers what it heard: one for each call."""

    @property
    def frame_length(self) -> int: ...  # noqa: D102

    def probability(self, frame: Samples) -> float:
        """Return the probability, 0 to 1, that `frame` (16 kHz, `frame_length` samples) is speech."""
        ...
