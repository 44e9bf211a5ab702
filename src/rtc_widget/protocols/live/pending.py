"""What waits for the server: acknowledgements of events by their ids, and responses of the backend."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

from rtc_widget.conversation.events import Event
from rtc_widget.conversation.json_object import fields_of
from rtc_widget.errors import EventRefused, NotConnected, RtcWidgetError
from rtc_widget.protocols.live.facts import HARMLESS


class Acknowledgements:
    """Waits for the events that acknowledge client events: by ``client_event_id``, else in the order of sending.

    An error that names a client event ends what waits for it at once.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[str, asyncio.Future[Event]]] = {}
        # All client events by the type of their acknowledgement, oldest first: servers may not name them.
        self._order: dict[str, deque[str]] = {}

    def expect(self, event_id: str, acknowledged_by: str) -> asyncio.Future[Event]:
        """Return a future for the acknowledgement of an event; call it before sending."""
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._waiting[event_id] = acknowledged_by, future
        return future

    def sent(self, event_id: str, acknowledged_by: str) -> None:
        """Record that an event was sent, by whomever."""
        self._order.setdefault(acknowledged_by, deque(maxlen=1_000)).append(event_id)

    def give_up(self, event_id: str, error: RtcWidgetError | None = None) -> None:
        """Stop waiting; `error` is raised in the waiting coroutine."""
        _, future = self._waiting.pop(event_id, ("", None))
        if future is not None and error is not None and not future.done():
            future.set_exception(error)

    def consume(self, event: Event) -> None:
        """Process a received event."""
        raw = fields_of(event)
        order = self._order.get(event.type)
        if order is not None:
            named = raw.get("client_event_id")
            event_id = named if isinstance(named, str) else order[0] if order else None
            if event_id is not None and event_id in order:
                order.remove(event_id)
            kind, future = self._waiting.get(str(event_id), ("", None))
            if future is not None and kind == event.type:
                del self._waiting[str(event_id)]
                if not future.done():
                    future.set_result(event)
        if (refused := refused_id(raw)) is not None:
            for waiting in self._order.values():
                if refused in waiting:
                    waiting.remove(refused)
            self.give_up(refused, EventRefused.by(event))

    def end_call(self) -> None:
        """Fail everything that waits."""
        self._order.clear()
        for event_id in list(self._waiting):
            self.give_up(event_id, NotConnected("The call ended before the server confirmed it."))


def refused_id(raw: Mapping[str, Any]) -> str | None:
    """Return the id of the client event that an error names; None for other events."""
    error = raw.get("error")
    named = error.get("client_event_id") if raw.get("type") == "error" and isinstance(error, Mapping) else None
    return named if isinstance(named, str) else None


def is_unnamed_error(raw: Mapping[str, Any]) -> bool:
    """Return whether an event is an error that names no client event; what it ends is not said."""
    error = raw.get("error")
    if raw.get("type") != "error" or not isinstance(error, Mapping):
        return False
    return refused_id(raw) is None and error.get("code") not in HARMLESS
