"""Which changes of the session wait for the server's word, and what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from rtc_widget.conversation.events import Event, fields_of
from rtc_widget.errors import EventRefused, NotConnected, RtcWidgetError
from rtc_widget.protocols.realtime.session import Session


@dataclass(slots=True)
class _Change:
    """A ``session.update`` that the server has neither confirmed nor refused."""

    event_id: str
    settings: Mapping[str, Any]
    refusals: list[Event] = field(default_factory=list)
    """Those without a name that came while this one was the oldest: one of them may be of it."""


class SessionWatch:
    """Follows the session's events, and tells who has changed it what became of the change.

    Servers confirm changes in the order in which they were sent, without saying which; a refusal names the event that
    it refuses, or not. So what was sent waits here in its order.
    """

    def __init__(self) -> None:
        self.session: Session | None = None
        self._waiting: dict[str, asyncio.Future[Session]] = {}
        # What is under way, in the order in which it went over the channel; also what nobody waits for.
        self._sent: list[_Change] = []

    def expect(self, event_id: str) -> asyncio.Future[Session]:
        """Return what becomes of the ``session.update`` with this id, which is about to be sent."""
        self._waiting[event_id] = asyncio.get_running_loop().create_future()
        return self._waiting[event_id]

    def give_up(self, event_id: str, error: RtcWidgetError | None = None) -> None:
        """Expect nothing more of a change; with `error` say so to who waits."""
        future = self._waiting.pop(event_id, None)
        if future is not None and error is not None and not future.done():
            future.set_exception(error)

    def suspected(self, event_id: str) -> EventRefused | None:
        """Return what the server has refused without a name, if it may have been this change."""
        refusals = [refusal for change in self._sent if change.event_id == event_id for refusal in change.refusals]
        return EventRefused.by(refusals[0]) if refusals else None

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
        raw = fields_of(event)
        if event.direction == "sent":
            if event.type == "session.update":
                settings = raw.get("session")
                event_id = str(raw.get("event_id") or uuid4())
                self._sent.append(_Change(event_id, settings if isinstance(settings, Mapping) else {}))
        elif event.type in ("session.created", "session.updated"):
            self.session = Session(raw["session"])
            if event.type == "session.updated":
                self._confirmed(self.session, raw["session"])
        elif event.type == "error":
            self._refused(event)

    def _confirmed(self, session: Session, settings: Mapping[str, Any]) -> None:
        while len(self._sent) > 1 and self._is_passed_over(settings):
            change = self._sent.pop(0)
            if change.refusals:
                self.give_up(change.event_id, EventRefused.by(change.refusals[0]))
        if self._sent:
            future = self._waiting.pop(self._sent.pop(0).event_id, None)
            if future is not None and not future.done():
                future.set_result(session)

    def _is_passed_over(self, settings: Mapping[str, Any]) -> bool:
        """Whether these settings show that the oldest change was refused, for they are those of a later one."""
        oldest, *later = self._sent
        # Servers may confirm a value in other words than it was asked for; without a doubt it is the oldest's turn.
        is_doubtful = bool(oldest.refusals) or oldest.event_id not in self._waiting
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
            self._sent[0].refusals.append(event)
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
    """Whether the settings that were asked for are among those that are confirmed."""
    if isinstance(asked, Mapping) and isinstance(confirmed, Mapping):
        return all(_holds(confirmed.get(name), value) for name, value in asked.items() if name != "type")
    return confirmed == asked
