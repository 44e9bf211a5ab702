"""The settings of a GPT-Live session, as the server has confirmed them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtc_widget.conversation.json_object import JsonObject
from rtc_widget.protocols.live.session_settings import FIXED, SHORTHANDS


class LiveSettings(JsonObject):
    """The settings of a session as the server has confirmed them; fields are attributes, to any depth.

    The short names of settings work here as well, such as ``voice`` and ``backend_instructions``.

    Attributes
    ----------
    fixed : mapping
        The settings that are fixed at the start of a session, and what to do instead of changing them.

    Examples
    --------
    >>> session = LiveSettings({"model": "gpt-live-1.1", "audio": {"output": {"voice": "marin"}}})
    >>> session.voice, session.fixed["voice"]
    ('marin', 'Give it to VoiceChat(…) or OpenAILive(…), and make a new call.')
    """

    __slots__ = ()

    @property
    def fixed(self) -> Mapping[str, str]:
        """The settings that are fixed at the start of a session, and what to do instead of changing them."""
        return FIXED

    def __getattr__(self, name: str) -> Any:
        path = SHORTHANDS.get(name)
        if path is None or name in self:
            return super().__getattr__(name)
        value: Any = self
        for step in path:
            value = value[step] if isinstance(value, JsonObject) and step in value else None
        return value

    def _read_only_reason(self, name: str) -> str:
        if name in FIXED:
            return f"{name!r} is fixed at the start of a GPT-Live session. {FIXED[name]}"
        return f"The settings that the server has confirmed are read-only. Use `await chat.update_session({name}=…)`."

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), "fixed", *SHORTHANDS]

    def __repr__(self) -> str:
        names = ("model", "instructions", "voice", "backend_model", "idle_timeout")
        known = {name: getattr(self, name) for name in names if name in self or name in SHORTHANDS}
        settings = ", ".join(f"{name}={value!r}" for name, value in known.items() if value is not None)
        return f"<LiveSettings: {settings}>"

    def _repr_html_(self) -> str:
        from rtc_widget.conversation.event_html import fields_html

        return fields_html("session", self._raw)
