"""The events of a peer connection as Python objects, and their log."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, overload

from rtc_widget._sequence import FrozenSequence
from rtc_widget._unicode import well_formed, well_formed_json
from rtc_widget.optional import require_pandas

if TYPE_CHECKING:
    import pandas as pd

MAX_EVENTS = 100_000


@dataclass(frozen=True, slots=True)
class PeerEvent:
    """One event of a peer connection or of one of its objects.

    The fields of the payload are attributes as well: ``event.candidate``, ``event.channel``, ``event.track``.

    Attributes
    ----------
    type : str
        The W3C name, such as ``"icecandidate"``. ``"operation"`` is a call of an operation or its end, and ``"pairs"``
        the candidate pairs that ICE tries.
    source : str
        The handle of the object that it belongs to: ``"pc"``, ``"channel:1"``, ….
    time : datetime.datetime
        When it happened: the page's clock, corrected by the kernel's; aware, UTC.
    elapsed : float
        Seconds since the first event of this peer connection.
    payload : mapping
        What the page reports, as JSON.
    changes : mapping
        By handle, the attributes that are new or have changed.
    fields : mapping
        The payload with the objects in place of their handles.
    target : object
        The object that it belongs to; None for the connection itself, and in a copy.
    """

    type: str
    source: str
    time: datetime
    elapsed: float
    payload: Mapping[str, Any]
    changes: Mapping[str, Mapping[str, Any]] = field(repr=False)
    fields: Mapping[str, Any] = field(repr=False, compare=False)
    target: Any = field(repr=False, compare=False, default=None)

    @property
    def data(self) -> str | bytes | None:
        """The content of a ``message`` event: text or bytes; None for other events and for a message over 4 MB."""
        if "base64" in self.payload:
            return base64.b64decode(self.payload["base64"])
        return self.payload.get("text")

    def matches(self, pattern: str) -> bool:
        """Whether a pattern of types fits, such as ``"ice*"``; or one of source and type: ``"channel:1 open"``."""
        return fnmatchcase(f"{self.source} {self.type}" if " " in pattern else self.type, pattern)

    def __getattr__(self, name: str) -> Any:
        if name in PeerEvent.__slots__ or name.startswith("_") or name not in self.fields:
            fields = "" if name in PeerEvent.__slots__ else ", ".join(self.fields)
            raise AttributeError(f"This event has no field {name!r}. Fields of its payload: {fields or 'none'}.")
        return self.fields[name]

    def __hash__(self) -> int:
        return hash((self.type, self.source, self.time, self.elapsed))

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the objects, which belong to a living connection: a copy has their handles.
        state = (self.type, self.source, self.time, self.elapsed, self.payload, self.changes, self.payload)
        return (PeerEvent, state)

    def __repr__(self) -> str:
        of = "" if self.source == "pc" else f" of {self.source}"
        return well_formed(f"<{self.type}{of} at {self.elapsed:.3f} s{_summary(self)}>")


def _summary(event: PeerEvent) -> str:
    """Return what an event says in a few words, without addresses."""
    payload = event.payload
    match event.type:
        case "operation":
            error = payload.get("error") or {}
            return f": {payload.get('op')} {payload.get('phase')}" + (f", {error.get('name')}" if error else "")
        case "icecandidate":
            return ": end of candidates" if not payload.get("candidate") else ""
    states = event.changes.get(event.source, {})
    state = states.get(event.type.replace("statechange", "_state").replace("ice", "ice_").replace("__", "_"))
    return f": {state}" if isinstance(state, str) else ""


class PeerEventLog(FrozenSequence[PeerEvent]):
    """The events of a peer connection, oldest first; beyond 100,000 the oldest are dropped.

    Reading is safe on any thread.
    """

    def __init__(self, events: Iterable[PeerEvent] = ()) -> None:
        self._events: deque[PeerEvent] = deque(events, maxlen=MAX_EVENTS)

    def append(self, event: PeerEvent) -> None:
        """Append an event."""
        self._events.append(event)

    def of(self, type: str = "*", *, source: str = "*") -> PeerEventLog:
        """Return the events whose type and source match shell-style patterns."""
        return PeerEventLog(e for e in self._snapshot() if e.matches(type) and fnmatchcase(e.source, source))

    def last(self, type: str = "*") -> PeerEvent | None:
        """Return the newest event whose type matches a shell-style pattern, or None."""
        return next((event for event in reversed(self._snapshot()) if event.matches(type)), None)

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row per event: time, elapsed, source, type, payload, changes (extra ``data``).

        Raises
        ------
        ImportError
            If pandas is not installed; the message says how to install it.
        """
        pandas = require_pandas()
        events = self._snapshot()
        return pandas.DataFrame(
            {
                "time": pandas.to_datetime([event.time for event in events], utc=True),
                "elapsed": pandas.array([event.elapsed for event in events], dtype="float64"),
                "source": pandas.array([event.source for event in events], dtype="string"),
                "type": pandas.array([event.type for event in events], dtype="string"),
                "payload": [well_formed_json(dict(event.payload)) for event in events],
                "changes": [well_formed_json(dict(event.changes)) for event in events],
            }
        )

    @overload
    def __getitem__(self, index: int) -> PeerEvent: ...
    @overload
    def __getitem__(self, index: slice) -> PeerEventLog: ...
    def __getitem__(self, index: int | slice) -> PeerEvent | PeerEventLog:
        events = self._snapshot()
        return PeerEventLog(events[index]) if isinstance(index, slice) else events[index]

    def _snapshot(self) -> Sequence[PeerEvent]:
        return tuple(self._events.copy())

    def __repr__(self) -> str:
        events = self._snapshot()
        return f"<PeerEventLog: {len(events)} events>" if events else "<PeerEventLog: empty>"
