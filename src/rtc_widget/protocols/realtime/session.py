"""The settings of a session, as the server has confirmed them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtc_widget.conversation.json_object import JsonObject
from rtc_widget.protocols.realtime.session_settings import SHORTHANDS


def detects_turns(settings: Mapping[str, Any]) -> bool:
    """Whether the server detects the end of the user's turns, by the settings that it has confirmed.

    Turn detection is off where it is null and another setting of the input audio is not. Servers that state null for
    all of them (Hugging Face speech-to-speech) have not set any: they detect turns.
    """
    audio = settings.get("audio")
    given = audio.get("input") if isinstance(audio, Mapping) else None
    if isinstance(given, Mapping):
        beside = [value for name, value in given.items() if name != "turn_detection"]
    else:  # the beta has them at the top
        given = settings
        beside = [value for name, value in given.items() if name.startswith("input_audio_")]
    if given.get("turn_detection", "not said") is not None:
        return True
    return bool(beside) and all(value is None for value in beside)


class Session(JsonObject):
    """The settings of a session as the server has confirmed them; fields are attributes, to any depth.

    The short names of settings work here as well: ``voice``, ``speed``, ``transcription``, ``noise_reduction``,
    ``turn_detection``.

    Examples
    --------
    >>> session = Session({"model": "tutor", "audio": {"output": {"voice": "heart"}}})
    >>> session.model, session.voice, session.audio.output.voice
    ('tutor', 'heart', 'heart')
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        path = SHORTHANDS.get(name)
        if path is None or name in self:
            return super().__getattr__(name)
        value: Any = self
        for step in path:
            value = value[step] if isinstance(value, JsonObject) and step in value else None
        return value

    def _read_only_reason(self, name: str) -> str:
        return f"The settings that the server has confirmed are read-only. Use `await chat.update_session({name}=…)`."

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *SHORTHANDS]

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self._summary().items())
        return f"<Session: {settings}>"

    def _repr_html_(self) -> str:
        from rtc_widget.conversation.event_html import fields_html

        return fields_html("session", self._raw)

    def _summary(self) -> dict[str, Any]:
        """Return the settings that the representation shows."""
        names = ("model", "instructions", *SHORTHANDS)
        known = {name: getattr(self, name) for name in names if name in self or name in SHORTHANDS}
        given = self._raw.get("tools")
        tools = [
            tool.get("name") or tool.get("type")
            for tool in (given if isinstance(given, list) else ())
            if isinstance(tool, dict)
        ]
        return {**known, "tools": tools}
