"""What went over the data channel, as Python objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, overload

from rtc_widget.protocol import Direction


class Fields(Mapping[str, Any]):
    """A JSON object whose entries can be reached as items and as attributes, to any depth.

    Examples
    --------
    >>> Fields({"usage": {"total_tokens": 7}}).usage.total_tokens
    7
    """

    __slots__ = ("_raw",)
    _raw: dict[str, Any]

    def __init__(self, raw: dict[str, Any]) -> None:
        object.__setattr__(self, "_raw", raw)

    def __getitem__(self, key: str) -> Any:
        return _open(self._raw[key])

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            present = ", ".join(self._raw) or "none"
            raise AttributeError(f"{name!r} is not among the fields: {present}") from None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("events cannot be changed; copy `.raw` to make another")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("events cannot be changed; copy `.raw` to make another")

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(key for key in self._raw if key.isidentifier())]

    def __repr__(self) -> str:
        return repr(self._raw)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self._raw,))


class Event(Fields):
    """One event of a realtime session, sent or received.

    Every field of the JSON object is an attribute: ``event.response.usage.total_tokens``.

    Attributes
    ----------
    type : str
        The event's name, such as ``"response.done"``.
    direction : {"sent", "received"}
        Seen from the page.
    time : datetime.datetime
        When it passed the data channel, by the browser's clock; aware, UTC.
    raw : dict
        The JSON object as it came: unknown types and fields included.
    """

    __slots__ = ("direction", "time")
    direction: Direction
    time: datetime

    def __init__(self, raw: dict[str, Any], *, direction: Direction = "received", time: datetime | None = None) -> None:
        super().__init__(raw)
        object.__setattr__(self, "direction", direction)
        object.__setattr__(self, "time", time or datetime.now(UTC))

    @classmethod
    def from_text(cls, text: str, *, direction: Direction, time_ms: float) -> Event:
        """Make an event of a data-channel message.

        Text that is no JSON object is kept whole, as an event of type ``rtc_widget.unreadable`` with the fields
        ``text`` and ``reason``.

        Parameters
        ----------
        text : str
            The message.
        direction : {"sent", "received"}
            Seen from the page.
        time_ms : float
            Milliseconds since 1970, UTC.
        """
        try:
            raw = json.loads(text)
            reason = "" if isinstance(raw, dict) else f"a JSON {type(raw).__name__}, not an object"
        except (ValueError, RecursionError) as error:
            raw, reason = None, str(error)
        if reason:
            raw = {"type": "rtc_widget.unreadable", "text": text, "reason": reason}
        return cls(raw, direction=direction, time=datetime.fromtimestamp(time_ms / 1000, UTC))

    @property
    def type(self) -> str:
        """The event's name; empty when it has none."""
        return str(self._raw.get("type", ""))

    @property
    def raw(self) -> dict[str, Any]:
        """The JSON object as it came."""
        return self._raw

    def matches(self, pattern: str) -> bool:
        """Whether the type fits a shell-style pattern such as ``"response.*"``."""
        return fnmatchcase(self.type, pattern)

    def __repr__(self) -> str:
        arrow = "→" if self.direction == "sent" else "←"
        return f"<{arrow} {self.type or 'event without a type'} {self.time:%H:%M:%S.%f}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_event, (self._raw, self.direction, self.time))


class EventLog(Sequence[Event]):
    """Every event of a widget's calls, oldest first. It only grows.

    Examples
    --------
    >>> log = EventLog()
    >>> log.append(Event({"type": "session.created"}))
    >>> log.of("session.*")[0].type
    'session.created'
    """

    __slots__ = ("_events",)

    def __init__(self, events: Sequence[Event] = ()) -> None:
        self._events = list(events)

    def append(self, event: Event) -> None:
        """Add one event at the end."""
        self._events.append(event)

    def of(self, pattern: str, *, direction: Direction | None = None) -> EventLog:
        """Return the events whose type fits `pattern` (shell-style: ``*``, ``?``, ``[…]``)."""
        found = [e for e in self._events if e.matches(pattern) and direction in (None, e.direction)]
        return EventLog(found)

    def last(self, pattern: str = "*") -> Event | None:
        """Return the newest event whose type fits `pattern`, or None."""
        return next((event for event in reversed(self._events) if event.matches(pattern)), None)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> EventLog: ...
    def __getitem__(self, index: int | slice) -> Event | EventLog:
        if isinstance(index, slice):
            return EventLog(self._events[index])
        return self._events[index]

    def __len__(self) -> int:
        return len(self._events)

    def __repr__(self) -> str:
        if not self._events:
            return "<EventLog: empty>"
        return f"<EventLog: {len(self)} events, {self._events[0].type} … {self._events[-1].type}>"


def _open(value: Any) -> Any:
    if isinstance(value, dict):
        return Fields(value)
    if isinstance(value, list):
        return tuple(_open(entry) for entry in value)
    return value


def _event(raw: dict[str, Any], direction: Direction, time: datetime) -> Event:
    return Event(raw, direction=direction, time=time)
