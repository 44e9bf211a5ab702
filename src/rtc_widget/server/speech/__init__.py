"""The interfaces of the speech engines: recognizer, speaker and voice detector."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    # Not at run time: the processes of the engines start before NumPy is loaded.
    from rtc_widget._aiortc.audio import MonoAudio, Samples

INPUT_RATE = 16_000
"""Samples per second of all input audio."""


class Recognizer(Protocol):
    """Turns speech into text. The server calls it in a worker thread, one call at a time."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def recognize(self, samples: Samples) -> str:
        """Return the text of the speech in `samples` (16 kHz); an empty string for silence or noise."""
        ...


class Speaker(Protocol):
    """Turns text into speech. The server calls it in a worker thread, one call at a time."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def speak(self, text: str, *, voice: str = "heart", speed: float = 1.0) -> MonoAudio:
        """Return the speech for `text`; empty audio if the text has no words.

        Parameters
        ----------
        text : str
            What to say.
        voice : str
            The voice that the client chose: an OpenAI name or a name of the engine. If the engine does not have that
            voice, it uses the nearest one.
        speed : float
            1.0 is the natural speed.
        """
        ...


class VoiceDetector(Protocol):
    """Estimates whether a short frame is speech. It has state, so no two calls may use one at a time."""

    @property
    def frame_length(self) -> int: ...  # noqa: D102

    def probability(self, frame: Samples) -> float:
        """Return the probability, 0 to 1, that `frame` (16 kHz, `frame_length` samples) is speech."""
        ...

    def reset(self) -> None:
        """Forget the audio so far, as a new detector."""


def __getattr__(name: str) -> Any:
    # Engines of the user's own import these names; the old one goes with the next release.
    if name not in ("MonoAudio", "Samples", "Sound"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rtc_widget._aiortc import audio

    if name == "Sound":
        warnings.warn(f"{__name__}.Sound is deprecated; use {__name__}.MonoAudio.", DeprecationWarning, stacklevel=2)
        return audio.MonoAudio
    return getattr(audio, name)
