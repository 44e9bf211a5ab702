"""Hearing with Moonshine, whose model lies in its wheel (MIT)."""

from __future__ import annotations

import ctypes
from importlib.util import find_spec
from pathlib import Path

from rtc_widget.local.speech import HEARING_RATE, Samples
from rtc_widget.local.speech.hallucination import without_hallucinations


def is_available() -> bool:
    """Return whether Moonshine and the model in its wheel are here (later wheels come without one)."""
    spec = find_spec("moonshine_voice")
    return spec is not None and spec.origin is not None and _model_folder(Path(spec.origin).parent).is_dir()


def _model_folder(package: Path) -> Path:
    return package / "assets" / "tiny-en"


class Moonshine:
    """A `Recognizer`: Moonshine tiny, English."""

    name = "Moonshine tiny (English)"

    def __init__(self) -> None:
        import moonshine_voice
        from moonshine_voice.moonshine_api import ModelArch
        from moonshine_voice.transcriber import Transcriber

        # Its own voice detection splits short utterances and hears "You" in the pauses: the call has already cut
        # the sound where speech begins and ends.
        self._transcriber = Transcriber(
            _model_folder(Path(moonshine_voice.__file__).parent), ModelArch.TINY, options={"vad_threshold": "0.0"}
        )

    def recognize(self, samples: Samples) -> str:
        """Return what is said in `samples` (16 kHz)."""
        # A ctypes array: Moonshine copies what it is given item by item, and a list of floats takes twice as long.
        sound = (ctypes.c_float * len(samples)).from_buffer_copy(samples.tobytes())
        transcript = self._transcriber.transcribe_without_streaming(sound, HEARING_RATE)
        return without_hallucinations(" ".join(line.text.strip() for line in transcript.lines))
