"""Speech recognition with Moonshine; its wheel contains the model (MIT)."""

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
    """Return whether Moonshine and its model are installed (later wheels have no model)."""
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

        # The audio is cut at the start and end of speech already. Moonshine's own voice detection would split short
        # utterances and recognize "You" in the pauses.
        self._transcriber = Transcriber(
            _model_folder(Path(moonshine_voice.__file__).parent), ModelArch.TINY, options={"vad_threshold": "0.0"}
        )

    def recognize(self, samples: Samples) -> str:
        """Return the text of the speech in `samples` (16 kHz)."""
        transcript = self._transcribe(np.ascontiguousarray(samples, np.float32))
        return without_hallucinations(" ".join(line.text.strip() for line in transcript.lines))

    def _transcribe(self, samples: Samples) -> Any:
        # Not `transcribe_without_streaming`: it converts a list, which holds the interpreter lock, and so the audio,
        # for 50 ms per seven seconds of input. The release is pinned, so its private names do not change.
        from moonshine_voice.errors import check_error
        from moonshine_voice.moonshine_api import TranscriptC

        transcriber, transcript = self._transcriber, ctypes.POINTER(TranscriptC)()
        data = samples.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        error = transcriber._lib.moonshine_transcribe_without_streaming(
            transcriber._handle, data, len(samples), INPUT_RATE, 0, ctypes.byref(transcript)
        )
        check_error(error)
        return transcriber._parse_transcript(transcript)
