"""Hearing with Moonshine, whose model lies in its wheel (MIT)."""

from __future__ import annotations

import ctypes
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from rtc_widget._aiortc.audio import Samples
from rtc_widget.server.speech import INPUT_RATE
from rtc_widget.server.speech.whisper import without_hallucinations


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
        transcript = self._transcribe(np.ascontiguousarray(samples, np.float32))
        return without_hallucinations(" ".join(line.text.strip() for line in transcript.lines))

    def _transcribe(self, samples: Samples) -> Any:
        # Past `transcribe_without_streaming`, which unpacks its list as arguments: seven seconds of sound hold the
        # interpreter lock for 50 ms, and with it the media. The release is pinned, so its inner names stay.
        from moonshine_voice.errors import check_error
        from moonshine_voice.moonshine_api import TranscriptC

        transcriber, transcript = self._transcriber, ctypes.POINTER(TranscriptC)()
        sound = samples.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        error = transcriber._lib.moonshine_transcribe_without_streaming(
            transcriber._handle, sound, len(samples), INPUT_RATE, 0, ctypes.byref(transcript)
        )
        check_error(error)
        return transcriber._parse_transcript(transcript)
