"""Speech recognition with Moonshine; its wheel contains the model (MIT).

The C API of the library is called here (`moonshine-c-api.h`), not the Python modules of the wheel: importing them takes
0.1 s and 12 MB for downloads that are not used, and they copy the audio of each result into a list. The release is
pinned, so its C API does not change.
"""

from __future__ import annotations

import ctypes
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtc_widget.server.speech import INPUT_RATE
from rtc_widget.server.speech.whisper import without_hallucinations

if TYPE_CHECKING:
    # Not at run time: NumPy takes 16 MB, which the process of this engine does without.
    from rtc_widget._aiortc.audio import Samples

_API_VERSION = 30000
_TINY = 0
"""`MOONSHINE_MODEL_ARCH_TINY`."""

_LIBRARY_NAMES = {"darwin": "libmoonshine.dylib", "win32": "moonshine.dll"}


def is_available() -> bool:
    """Return whether Moonshine and its model are installed (later wheels have no model)."""
    package = _package()
    return package is not None and _model_folder(package).is_dir()


def _package() -> Path | None:
    spec = find_spec("moonshine_voice")
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def _model_folder(package: Path) -> Path:
    return package / "assets" / "tiny-en"


class _Option(ctypes.Structure):
    """`moonshine_option_t`."""

    _fields_ = (("name", ctypes.c_char_p), ("value", ctypes.c_char_p))


class _Line(ctypes.Structure):
    """`transcript_line_t`."""

    _fields_ = (
        ("text", ctypes.c_char_p),
        ("audio_data", ctypes.c_void_p),
        ("audio_data_count", ctypes.c_size_t),
        ("start_time", ctypes.c_float),
        ("duration", ctypes.c_float),
        ("id", ctypes.c_uint64),
        ("is_complete", ctypes.c_int8),
        ("is_updated", ctypes.c_int8),
        ("is_new", ctypes.c_int8),
        ("has_text_changed", ctypes.c_int8),
        ("have_speakers_changed", ctypes.c_int8),
        ("speaker_spans", ctypes.c_void_p),
        ("speaker_span_count", ctypes.c_uint64),
        ("last_transcription_latency_ms", ctypes.c_uint32),
        ("words", ctypes.c_void_p),
        ("word_count", ctypes.c_uint64),
    )


class _Transcript(ctypes.Structure):
    """`transcript_t`."""

    _fields_ = (("lines", ctypes.POINTER(_Line)), ("line_count", ctypes.c_uint64))


class Moonshine:
    """A `Recognizer`: Moonshine tiny, English."""

    name = "Moonshine tiny (English)"

    def __init__(self) -> None:
        package = _package()
        if package is None:
            raise ModuleNotFoundError("Moonshine is not installed: pip install moonshine-voice==0.1.0")
        # Threads that wait for work of a model this small use a second core for nothing.
        os.environ.setdefault("MOONSHINE_ORT_SINGLE_THREAD", "1")
        self._library = _library(package)
        # The audio is cut at the start and end of speech already. Moonshine's own voice detection would split short
        # utterances and recognize "You" in the pauses.
        options = (_Option * 1)(_Option(b"vad_threshold", b"0.0"))
        folder = os.fsencode(_model_folder(package))
        self._handle = self._checked(
            self._library.moonshine_load_transcriber_from_files(folder, _TINY, options, len(options), _API_VERSION)
        )

    def recognize(self, samples: Samples) -> str:
        """Return the text of the speech in `samples` (16 kHz)."""
        return self.recognize_bytes(samples.astype("float32").tobytes())

    def recognize_bytes(self, data: bytes) -> str:
        """Return the text of the speech in the bytes of float32 samples (16 kHz)."""
        samples = (ctypes.c_float * (len(data) // ctypes.sizeof(ctypes.c_float))).from_buffer_copy(data)
        transcript = ctypes.POINTER(_Transcript)()
        self._checked(
            self._library.moonshine_transcribe_without_streaming(
                self._handle, samples, len(samples), INPUT_RATE, 0, ctypes.byref(transcript)
            )
        )
        if not transcript:
            return ""
        # The library owns the transcript and frees it with the next call.
        lines = transcript.contents.lines[: transcript.contents.line_count]
        return without_hallucinations(" ".join((line.text or b"").decode(errors="ignore").strip() for line in lines))

    def _checked(self, result: int) -> int:
        if result < 0:
            reason = self._library.moonshine_error_to_string(result) or b"unknown error"
            raise RuntimeError(f"Moonshine failed: {reason.decode(errors='replace')}")
        return result


def _library(package: Path) -> Any:
    if sys.platform == "win32":
        import_module("moonshine_voice")  # a wheel for Windows may add the folder of its DLLs when it is imported
    library = ctypes.CDLL(str(package / _LIBRARY_NAMES.get(sys.platform, "libmoonshine.so")))
    functions: dict[str, tuple[Any, list[Any]]] = {
        "moonshine_error_to_string": (ctypes.c_char_p, [ctypes.c_int32]),
        "moonshine_load_transcriber_from_files": (
            ctypes.c_int32,
            [ctypes.c_char_p, ctypes.c_uint32, ctypes.POINTER(_Option), ctypes.c_uint64, ctypes.c_int32],
        ),
        "moonshine_transcribe_without_streaming": (
            ctypes.c_int32,
            [
                ctypes.c_int32,
                ctypes.POINTER(ctypes.c_float),
                ctypes.c_uint64,
                ctypes.c_int32,
                ctypes.c_uint32,
                ctypes.POINTER(ctypes.POINTER(_Transcript)),
            ],
        ),
    }
    for name, (result, arguments) in functions.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
