"""Session changes that the server has not confirmed yet."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from rtc_widget.conversation.events import Event
from rtc_widget.conversation.json_object import fields_of
from rtc_widget.errors import EventRefused, NotConnected, RtcWidgetError
from rtc_widget.protocols.realtime.session import Session


@dataclass(slots=True)
class _Change:
    """A ``session.update`` that the server has neither confirmed nor refused."""

    event_id: str
    settings: Mapping[str, Any]
    possible_errors: list[Event] = field(default_factory=list)
    """Errors without an event id that arrived while this change was the oldest; it may be the refused one."""


class SessionUpdates:
    """Determines from the session's events which changes were confirmed or refused.

    Servers confirm changes in the order of sending, without their event ids. An error may have the id of the refused
    event.
    """

    def __init__(self) -> None:
        self.session: Session | None = None
        self._waiting: dict[str, asyncio.Future[Session]] = {}
        # All unconfirmed changes in the order of sending.
        self._sent: list[_Change] = []

    def expect(self, event_id: str) -> asyncio.Future[Session]:
        """Return a future for the confirmation of the ``session.update`` with this id; call it before sending."""
        self._waiting[event_id] = asyncio.get_running_loop().create_future()
        return self._waiting[event_id]

    def give_up(self, event_id: str, error: RtcWidgetError | None = None) -> None:
        """Stop waiting for a change; `error` is raised in the waiting coroutine."""
        future = self._waiting.pop(event_id, None)
        if future is not None and error is not None and not future.done():
            future.set_exception(error)

    def suspected(self, event_id: str) -> EventRefused | None:
        """Return an error without an event id that may concern this change."""
        errors = [error for change in self._sent if change.event_id == event_id for error in change.possible_errors]
        return EventRefused.by(errors[0]) if errors else None

    def begin_call(self, *, resumes: bool) -> None:
        """Begin another call."""
        self.end_call()

    def end_call(self) -> None:
        """End the call; `session` keeps the settings that were confirmed last."""
        self._sent.clear()
        for event_id in list(self._waiting):
            self.give_up(event_id, NotConnected("The call ended before the server confirmed the change."))

    def consume(self, event: Event) -> None:
        """Process the next event, sent or received."""
        raw = fields_of(event)
        if event.direction == "sent":
            if event.type == "session.update":
                settings = raw.get("session")
                event_id = str(raw.get("event_id") or uuid4())
                self._sent.append(_Change(event_id, settings if isinstance(settings, Mapping) else {}))
        elif event.type in ("session.created", "session.updated"):
            settings = raw.get("session")
            if not isinstance(settings, dict):
                return
            self.session = Session(settings)
            if event.type == "session.updated":
                self._confirmed(self.session, settings)
        elif event.type == "error":
            self._refused(event)

    def _confirmed(self, session: Session, settings: Mapping[str, Any]) -> None:
        while len(self._sent) > 1 and self._was_skipped(settings):
            change = self._sent.pop(0)
            if change.possible_errors:
                self.give_up(change.event_id, EventRefused.by(change.possible_errors[0]))
        if self._sent:
            future = self._waiting.pop(self._sent.pop(0).event_id, None)
            if future is not None and not future.done():
                future.set_result(session)

    def _was_skipped(self, settings: Mapping[str, Any]) -> bool:
        """Whether the confirmed settings contain a later change but not the oldest one, which was then refused."""
        oldest, *later = self._sent
        # Servers may confirm a value in another form, so a change counts as refused only with further evidence.
        is_doubtful = bool(oldest.possible_errors) or oldest.event_id not in self._waiting
        return (
            is_doubtful and not _holds(settings, oldest.settings) and any(_holds(settings, c.settings) for c in later)
        )

    def _refused(self, event: Event) -> None:
        error = fields_of(event).get("error")
        if not isinstance(error, Mapping) or not self._sent:
            return
        event_id, parameter = error.get("event_id"), error.get("param")
        if event_id is not None:
            refused = [change for change in self._sent if change.event_id == event_id]
        elif isinstance(parameter, str) and parameter.split(".")[0] == "session":
            path = parameter.split(".")[1:]
            refused = [change for change in self._sent if _sets(change.settings, path)] or self._sent
        else:
            self._sent[0].possible_errors.append(event)
            return
        if refused:
            self._sent.remove(refused[0])
            self.give_up(refused[0].event_id, EventRefused.by(event))


def _sets(settings: object, path: list[str]) -> bool:
    """Whether settings have a value at this path, or above it."""
    if not path or not isinstance(settings, Mapping):
        return True
    return path[0] in settings and _sets(settings[path[0]], path[1:])


def _holds(confirmed: object, asked: object) -> bool:
    """Whether confirmed settings contain the settings that were asked for."""
    if isinstance(asked, Mapping) and isinstance(confirmed, Mapping):
        return all(_holds(confirmed.get(name), value) for name, value in asked.items() if name != "type")
    return confirmed == asked
