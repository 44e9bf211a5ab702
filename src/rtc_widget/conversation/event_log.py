"""The log of the events on the data channel."""

from __future__ import annotations

import json
import operator
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, overload

from rtc_widget._unicode import json_text, well_formed, well_formed_json
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.json_object import fields_of
from rtc_widget.optional import require_pandas
from rtc_widget.types import DEFAULT_PROTOCOL, Direction

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MAX_EVENTS = 100_000
_TRIM = 1_000


class EventLog(Sequence[Event]):
    """The events of a widget's calls, oldest first.

    A log keeps at most `limit` events; beyond that the oldest are dropped and counted. Reading and appending are safe
    on any thread. Parts (slices, `of`, `between`) and copies are independent logs, which do not grow with this one. Two
    logs are equal if their events are equal. Logs are not hashable.

    Parameters
    ----------
    events : iterable of Event, optional
        The first events.
    limit : int, optional
        The maximum number of events. The default is 100,000, or the number of the first events if that is larger.

    Attributes
    ----------
    limit : int
        The maximum number of events; it can be set: ``chat.events.limit = 1_000_000``.
    dropped : int
        The number of events that were dropped.

    Examples
    --------
    >>> log = EventLog()
    >>> log.append(Event({"type": "session.created"}))
    >>> log.of("session.*")[0].type
    'session.created'
    """

    __slots__ = ("_events", "_limit", "_lock", "_trimmed", "_untrimmed")

    def __init__(self, events: Iterable[Event] = (), *, limit: int | None = None) -> None:
        self._lock = Lock()
        self._events = list(events)
        # The number of dropped events that are still at the front of the list; it is trimmed only from time to time.
        self._untrimmed = 0
        self._trimmed = 0
        self.limit = max(MAX_EVENTS, len(self._events)) if limit is None else limit

    @property
    def limit(self) -> int:
        """The maximum number of events."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"limit must be at least 1, got {limit}.")
        with self._lock:
            self._limit = limit
            self._drop()

    @property
    def dropped(self) -> int:
        """The number of events that were dropped."""
        return self._trimmed + self._untrimmed

    def append(self, event: Event) -> None:
        """Append an event."""
        with self._lock:
            self._events.append(event)
            if len(self._events) - self._untrimmed > self._limit:
                self._drop()

    def _drop(self) -> None:
        self._untrimmed = max(self._untrimmed, len(self._events) - self._limit)
        if self._untrimmed > max(_TRIM, self._limit // 10):
            del self._events[: self._untrimmed]
            self._trimmed += self._untrimmed
            self._untrimmed = 0

    def of(self, pattern: str, *, direction: Direction | None = None) -> EventLog:
        """Return the events whose type matches a pattern.

        Parameters
        ----------
        pattern : str
            A shell-style pattern: ``*``, ``?``, ``[…]``.
        direction : {"sent", "received"}, optional
            Only the events of this direction.
        """
        return self._part(e for e in self._snapshot() if e.matches(pattern) and direction in (None, e.direction))

    def last(self, pattern: str = "*") -> Event | None:
        """Return the newest event whose type matches a shell-style pattern, or None."""
        return next((event for event in reversed(self._snapshot()) if event.matches(pattern)), None)

    def between(self, start: datetime | float, end: datetime | float) -> EventLog:
        """Return the events from `start` (included) to `end` (excluded).

        Parameters
        ----------
        start, end : datetime or float
            Aware datetimes, compared with ``event.time``; or seconds, compared with ``event.elapsed``. Seconds count
            from the start of each call, so the result may have events of several calls.

        Raises
        ------
        TypeError
            If only one of the two is a datetime.
        """
        if isinstance(start, datetime) and isinstance(end, datetime):
            return self._part(event for event in self._snapshot() if start <= event.time < end)
        if isinstance(start, datetime) or isinstance(end, datetime):
            raise TypeError("start and end must be two datetimes, or two numbers of seconds.")
        return self._part(event for event in self._snapshot() if start <= event.elapsed < end)

    def response(self, id: str) -> EventLog:
        """Return the events that have this response id, such as ``response.created`` and ``response.done``."""
        return self._part(event for event in self._snapshot() if _response_id(event) == id)

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row per event (extra ``data``).

        The columns are ``time`` (UTC), ``elapsed`` (seconds), ``direction``, ``type``, and one column per field. Names
        of nested fields have dots: ``response.usage.total_tokens``. Lists remain lists.

        Raises
        ------
        ImportError
            If pandas is not installed; the message says how to install it.
        """
        pd = require_pandas()
        events = self._snapshot()
        fields = pd.json_normalize(
            [well_formed_json({k: v for k, v in fields_of(event).items() if k != "type"}) for event in events]
        )
        table = pd.DataFrame(
            {
                "time": pd.to_datetime([event.time for event in events], utc=True),
                "elapsed": pd.array([event.elapsed for event in events], dtype="float64"),
                "direction": pd.Categorical([event.direction for event in events], ["sent", "received"]),
                "type": pd.array([well_formed(event.type) for event in events], dtype="string"),
            }
        )
        # A field of the event must not replace a column of the log.
        fields = fields.rename(columns={name: f"raw.{name}" for name in table.columns if name in fields.columns})
        return pd.concat([table, fields.convert_dtypes()], axis=1)

    def timeline(self) -> Figure:
        """Draw speech, responses, tool calls and errors over time (extra ``data``).

        Raises
        ------
        ImportError
            If matplotlib is not installed; the message says how to install it.
        """
        from rtc_widget.conversation.timeline import timeline

        return timeline(self._snapshot())

    def to_jsonl(self, path: str | Path) -> Path:
        """Write one JSON object per line, ``{"time", "elapsed", "direction", "event"}``, and return the path."""
        path = Path(path).expanduser()
        with path.open("w", encoding="utf-8") as file:
            for line in self.to_json():
                file.write(json_text(line, overflow=True) + "\n")
        return path

    def to_json(self) -> Iterator[dict[str, Any]]:
        """Yield the objects that `to_jsonl` writes, one per event."""
        for event in self._snapshot():
            time = event.time.isoformat()
            # The first versions knew only one protocol and did not write it.
            named = {} if event.protocol == DEFAULT_PROTOCOL else {"protocol": event.protocol}
            yield {"time": time, "elapsed": event.elapsed, "direction": event.direction, **named, "event": event.raw}

    @classmethod
    def from_json(cls, lines: Iterable[dict[str, Any]]) -> EventLog:
        """Return a log of the objects that `to_json` yields.

        Raises
        ------
        ValueError, KeyError, TypeError
            If an object has another form.
        """
        return cls(_read(line) for line in lines)

    @classmethod
    def from_jsonl(cls, path: str | Path) -> EventLog:
        """Read a file that `to_jsonl` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no file at `path`.
        ValueError
            If a line has another form; the message has the number of the line.
        """
        events = []
        with Path(path).expanduser().open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    events.append(_read(json.loads(line)))
                except (ValueError, KeyError, TypeError) as error:
                    raise ValueError(f"{path}, line {number}: not an event of a log: {error!r}") from error
        return cls(events)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> EventLog: ...
    def __getitem__(self, index: int | slice) -> Event | EventLog:
        if isinstance(index, slice):
            return self._part(self._snapshot()[index])
        index = operator.index(index)
        with self._lock:
            length = len(self._events) - self._untrimmed
            if not -length <= index < length:
                raise IndexError(f"index {index} is out of range in a log of {length} events")
            return self._events[index + self._untrimmed if index >= 0 else index]

    def __len__(self) -> int:
        with self._lock:
            return len(self._events) - self._untrimmed

    def __eq__(self, other: object) -> bool:
        return self._snapshot() == other._snapshot() if isinstance(other, EventLog) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # the log is mutable

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restored, (self._snapshot(), self.limit, self.dropped))

    def __repr__(self) -> str:
        events = self._snapshot()
        if not events:
            return "<EventLog: empty>"
        return well_formed(f"<EventLog: {len(events)} events, {events[0].type} … {events[-1].type}>")

    def _repr_html_(self) -> str:
        from rtc_widget.conversation.event_html import log_html

        return log_html(
            [(event.direction, event.elapsed, fields_of(event)) for event in self._snapshot()], self.dropped
        )

    def _part(self, events: Iterable[Event]) -> EventLog:
        return EventLog(events, limit=self.limit)

    def _snapshot(self) -> list[Event]:
        with self._lock:
            return self._events[self._untrimmed :]


def _restored(events: list[Event], limit: int, dropped: int) -> EventLog:
    log = EventLog(events, limit=limit)
    log._trimmed = dropped
    return log


def _response_id(event: Event) -> str | None:
    raw = fields_of(event)
    response = raw.get("response")
    found = raw.get("response_id") or (response.get("id") if isinstance(response, dict) else None)
    return found if isinstance(found, str) else None


def _read(line: dict[str, Any]) -> Event:
    if not isinstance(line["event"], dict) or line["direction"] not in ("sent", "received"):
        raise ValueError("the object must have time, elapsed, direction and event")
    time = datetime.fromisoformat(line["time"])
    return Event(
        line["event"],
        direction=line["direction"],
        time=time,
        elapsed=float(line["elapsed"]),
        protocol=str(line.get("protocol", DEFAULT_PROTOCOL)),
    )
