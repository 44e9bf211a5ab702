"""The record of everything that went over the data channel."""

from __future__ import annotations

import json
import operator
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, overload

from rtc_widget.conversation.events import Event, fields_of
from rtc_widget.conversation.facts import DEFAULT_PROTOCOL
from rtc_widget.optional import require_pandas
from rtc_widget.types import Direction

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MOST_EVENTS = 100_000
_TRIM = 1_000


class EventLog(Sequence[Event]):
    """Every event of a widget's calls, oldest first.

    It only grows, up to `limit`; then the oldest go first and are counted. Safe to read and append on any thread. Its
    parts (slices, `of`, `between`) and copies are logs of their own, which do not grow with it. Two logs are equal when
    their events are; like a list, a log cannot be kept in a set.

    Parameters
    ----------
    events : iterable of Event, optional
        What to begin with.
    limit : int, optional
        How many events are kept: by default 100,000, or as many as it begins with.

    Attributes
    ----------
    limit : int
        How many events are kept; it can be changed: ``chat.events.limit = 1_000_000``.
    dropped : int
        How many have gone.

    Examples
    --------
    >>> log = EventLog()
    >>> log.append(Event({"type": "session.created"}))
    >>> log.of("session.*")[0].type
    'session.created'
    """

    __slots__ = ("_events", "_gone", "_limit", "_lock", "_trimmed")

    def __init__(self, events: Iterable[Event] = (), *, limit: int | None = None) -> None:
        self._lock = Lock()
        self._events = list(events)
        # Events that have gone but still stand at the front of the list: it is cut now and then, not at each append.
        self._gone = 0
        self._trimmed = 0
        self.limit = max(MOST_EVENTS, len(self._events)) if limit is None else limit

    @property
    def limit(self) -> int:
        """How many events are kept."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"limit must be 1 or more, not {limit}")
        with self._lock:
            self._limit = limit
            self._drop()

    @property
    def dropped(self) -> int:
        """How many of the oldest events have gone."""
        return self._trimmed + self._gone

    def append(self, event: Event) -> None:
        """Add one event at the end."""
        with self._lock:
            self._events.append(event)
            self._drop()

    def _drop(self) -> None:
        self._gone = max(self._gone, len(self._events) - self._limit)
        if self._gone > max(_TRIM, self._limit // 10):
            del self._events[: self._gone]
            self._trimmed += self._gone
            self._gone = 0

    def of(self, pattern: str, *, direction: Direction | None = None) -> EventLog:
        """Return the events whose type fits `pattern` (shell-style: ``*``, ``?``, ``[…]``)."""
        return self._part(e for e in self._snapshot() if e.matches(pattern) and direction in (None, e.direction))

    def last(self, pattern: str = "*") -> Event | None:
        """Return the newest event whose type fits `pattern`, or None."""
        return next((event for event in reversed(self._snapshot()) if event.matches(pattern)), None)

    def between(self, start: datetime | float, end: datetime | float) -> EventLog:
        """Return the events from `start` on and before `end`.

        Parameters
        ----------
        start, end : datetime or float
            Aware datetimes, compared with ``event.time``; or seconds, compared with ``event.elapsed``. Those begin anew
            with each call, so that each call has its part.
        """
        if isinstance(start, datetime) and isinstance(end, datetime):
            return self._part(event for event in self._snapshot() if start <= event.time < end)
        if isinstance(start, datetime) or isinstance(end, datetime):
            raise TypeError("start and end are two datetimes, or two numbers of seconds")
        return self._part(event for event in self._snapshot() if start <= event.elapsed < end)

    def response(self, id: str) -> EventLog:
        """Return the events of one response, from ``response.created`` to ``output_audio_buffer.stopped``."""
        return self._part(event for event in self._snapshot() if _response_id(event) == id)

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with a row an event and a typed column a field (extra ``data``).

        Columns are ``time`` (UTC), ``elapsed`` (seconds), ``direction``, ``type``, and every field, nested ones with
        dots: ``response.usage.total_tokens``. Lists stay lists.

        Raises
        ------
        ImportError
            If pandas is not installed; says how to install it.
        """
        pd = require_pandas()
        events = self._snapshot()
        fields = pd.json_normalize([{k: v for k, v in fields_of(event).items() if k != "type"} for event in events])
        table = pd.DataFrame(
            {
                "time": pd.to_datetime([event.time for event in events], utc=True),
                "elapsed": pd.array([event.elapsed for event in events], dtype="float64"),
                "direction": pd.Categorical([event.direction for event in events], ["sent", "received"]),
                "type": pd.array([event.type for event in events], dtype="string"),
            }
        )
        # A field of the event never takes the place of what the log knows of it.
        fields = fields.rename(columns={name: f"raw.{name}" for name in table.columns if name in fields.columns})
        return pd.concat([table, fields.convert_dtypes()], axis=1)

    def timeline(self) -> Figure:
        """Draw who spoke when, which responses were made, which tools ran and what went wrong (extra ``data``).

        Raises
        ------
        ImportError
            If matplotlib is not installed; says how to install it.
        """
        from rtc_widget.conversation.timeline import timeline

        return timeline(self._snapshot())

    def to_jsonl(self, path: str | Path) -> Path:
        """Write one JSON object a line, ``{"time", "elapsed", "direction", "event"}``, and return the path."""
        path = Path(path).expanduser()
        with path.open("w", encoding="utf-8") as file:
            for line in self.to_json():
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        return path

    def to_json(self) -> Iterator[dict[str, Any]]:
        """Yield what `to_jsonl` writes in its lines."""
        for event in self._snapshot():
            time = event.time.isoformat()
            # The first versions knew one protocol and wrote none.
            named = {} if event.protocol == DEFAULT_PROTOCOL else {"protocol": event.protocol}
            yield {"time": time, "elapsed": event.elapsed, "direction": event.direction, **named, "event": event.raw}

    @classmethod
    def from_json(cls, lines: Iterable[dict[str, Any]]) -> EventLog:
        """Make a log of what `to_json` yields.

        Raises
        ------
        ValueError, KeyError, TypeError
            If an entry is no such event.
        """
        return cls(_read(line) for line in lines)

    @classmethod
    def from_jsonl(cls, path: str | Path) -> EventLog:
        """Read what `to_jsonl` wrote.

        Raises
        ------
        ValueError
            If a line is no such event; names the line.
        """
        events = []
        with Path(path).expanduser().open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    events.append(_read(json.loads(line)))
                except (ValueError, KeyError, TypeError) as error:
                    raise ValueError(f"{path}, line {number}, is no event: {error!r}") from error
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
            length = len(self._events) - self._gone
            if not -length <= index < length:
                raise IndexError(f"there are {length} events, none with number {index}")
            return self._events[index + self._gone if index >= 0 else index]

    def __len__(self) -> int:
        with self._lock:
            return len(self._events) - self._gone

    def __eq__(self, other: object) -> bool:
        return self._snapshot() == other._snapshot() if isinstance(other, EventLog) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restored, (self._snapshot(), self.limit, self.dropped))

    def __repr__(self) -> str:
        events = self._snapshot()
        if not events:
            return "<EventLog: empty>"
        return f"<EventLog: {len(events)} events, {events[0].type} … {events[-1].type}>"

    def _repr_html_(self) -> str:
        from rtc_widget.conversation.event_html import log_html

        return log_html(self._snapshot(), self.dropped)

    def _part(self, events: Iterable[Event]) -> EventLog:
        return EventLog(events, limit=self.limit)

    def _snapshot(self) -> list[Event]:
        with self._lock:
            return self._events[self._gone :]


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
        raise ValueError("it needs time, elapsed, direction and event")
    time = datetime.fromisoformat(line["time"])
    return Event(
        line["event"],
        direction=line["direction"],
        time=time,
        elapsed=float(line["elapsed"]),
        protocol=str(line.get("protocol", DEFAULT_PROTOCOL)),
    )
