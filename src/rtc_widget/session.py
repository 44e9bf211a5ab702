"""What the server has confirmed of the session's settings, and the changes that wait for its word."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from rtc_widget.errors import EventRefused, NotConnected, RtcWidgetError
from rtc_widget.events import Event, Fields
from rtc_widget.signaling.session import SHORTHANDS


class Session(Fields):
    """The settings of a session as the server has confirmed them; fields are attributes, to any depth.

    The settings that have short names when they are given have them here as well: ``voice``, ``speed``,
    ``transcription``, ``noise_reduction``, ``turn_detection``.

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
            value = value[step] if isinstance(value, Fields) and step in value else None
        return value

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *SHORTHANDS]

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self._gist().items())
        return f"<Session: {settings}>"

    def _repr_html_(self) -> str:
        from rtc_widget.event_html import fields_html

        return fields_html("session", self._raw)

    def _gist(self) -> dict[str, Any]:
        """What one mostly wants to know of a session."""
        names = ("model", "instructions", *SHORTHANDS)
        known = {name: getattr(self, name) for name in names if name in self or name in SHORTHANDS}
        tools = [
            tool.get("name") or tool.get("type") for tool in self._raw.get("tools") or () if isinstance(tool, dict)
        ]
        return {**known, "tools": tools}


class SessionWatch:
    """Follows the session's events, and tells who has changed it what became of the change.

    Servers confirm changes in the order in which they were sent, without saying which; a refusal names the event that
    it refuses. So what was sent waits here in its order.
    """

    def __init__(self) -> None:
        self.session: Session | None = None
        self._waiting: dict[str, asyncio.Future[Session]] = {}
        # The ids of the changes that are under way, in the order in which they went over the channel.
        self._sent: list[str] = []

    def expect(self, event_id: str) -> asyncio.Future[Session]:
        """Return what becomes of the ``session.update`` with this id, which is about to be sent."""
        self._waiting[event_id] = asyncio.get_running_loop().create_future()
        return self._waiting[event_id]

    def give_up(self, event_id: str, error: RtcWidgetError | None = None) -> None:
        """Expect nothing more of a change; with `error` say so to who waits."""
        future = self._waiting.pop(event_id, None)
        if future is not None and error is not None and not future.done():
            future.set_exception(error)

    def begin_call(self, *, resumes: bool) -> None:
        """The events that follow are another call's."""
        self.end_call()

    def end_call(self) -> None:
        """Nobody will confirm anything; what was confirmed last can still be read."""
        self._sent.clear()
        for event_id in list(self._waiting):
            self.give_up(event_id, NotConnected("The call ended before the server had confirmed the change."))

    def follow(self, event: Event) -> None:
        """Take in the next event, sent or received."""
        raw = event.raw
        if event.direction == "sent":
            if event.type == "session.update":
                self._sent.append(str(raw.get("event_id") or uuid4()))
        elif event.type in ("session.created", "session.updated"):
            self.session = Session(raw["session"])
            if event.type == "session.updated" and self._sent:
                self._confirmed(self._sent.pop(0), self.session)
        elif event.type == "error":
            self._refused(event)

    def _confirmed(self, event_id: str, session: Session) -> None:
        future = self._waiting.pop(event_id, None)
        if future is not None and not future.done():
            future.set_result(session)

    def _refused(self, event: Event) -> None:
        error = event.raw.get("error")
        if not isinstance(error, dict) or not self._sent:
            return
        event_id = error.get("event_id")
        if event_id is None and str(error.get("param") or "").startswith("session"):
            # Not every refusal names its event; this one can only mean the oldest change.
            event_id = self._sent[0]
        if event_id in self._sent:
            self._sent.remove(event_id)
            self.give_up(event_id, EventRefused.by(event))
