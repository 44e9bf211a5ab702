"""Speech for tests: spoken questions as WAV files, what a recogniser hears, and how far that is from what was said."""

from __future__ import annotations

import re
import wave
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtc_widget._aiortc.audio import MonoAudio, resampled, samples_of
from rtc_widget._aiortc.output_track import pcm_of
from rtc_widget.server.speech import INPUT_RATE, Recognizer, Speaker
from rtc_widget.server.speech.moonshine import Moonshine, is_available
from rtc_widget.server.speech.synthesizer import Hibari
from rtc_widget.server.speech.whisper import Whisper

WAV_RATE = 48_000


@cache
def speaker() -> Speaker:
    return Hibari()


@cache
def recognizer() -> Recognizer:
    return Moonshine() if is_available() else Whisper()


def spoken(text: str, *, lead: float = 0.5, tail: float = 1.0) -> npt.NDArray[np.int16]:
    """Return `text` spoken, 48 kHz mono 16 bit, with `lead` and `tail` seconds of silence."""
    silence = [np.zeros(round(seconds * WAV_RATE), np.int16) for seconds in (lead, tail)]
    return np.concatenate([silence[0], pcm_of(speaker().speak(text)), silence[1]])


def speak_wav(path: str | Path, text: str, *, lead: float = 0.5, tail: float = 1.0) -> Path:
    """Write `text` spoken to a WAV file (48 kHz mono 16 bit) and return its path."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(WAV_RATE)
        file.writeframes(spoken(text, lead=lead, tail=tail).tobytes())
    return Path(path)


def recognize(samples: npt.NDArray[np.generic], rate: int) -> str:
    """Return what is said in `samples`: mono, float between -1 and 1 or int16."""
    scale = 32768 if samples.dtype == np.int16 else 1
    sound = resampled(MonoAudio(samples_of(samples.astype(np.float32) / scale), rate), INPUT_RATE)
    return recognizer().recognize(sound.samples)


def word_error_rate(reference: str, hypothesis: str) -> float:
    """Return the share of words that differ: substitutions, insertions and deletions per word of `reference`."""
    wanted, heard = _words(reference), _words(hypothesis)
    distances = list(range(len(heard) + 1))
    for at, word in enumerate(wanted, 1):
        diagonal, distances[0] = distances[0], at
        for over, other in enumerate(heard, 1):
            diagonal, distances[over] = (
                distances[over],
                min(distances[over] + 1, distances[over - 1] + 1, diagonal + (word != other)),
            )
    return distances[-1] / max(1, len(wanted))


def _words(text: str) -> list[str]:
    return re.sub(r"[^a-z0-9' ]+", " ", text.casefold()).split()
