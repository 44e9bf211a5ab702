"""The events of the data channel as Python objects."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from rtc_widget.conversation.facts import DEFAULT_PROTOCOL, reader_of
from rtc_widget.types import Direction


class JsonObject(Mapping[str, Any]):
    """A read-only JSON object with its fields as items and as attributes, to any depth.

    Examples
    --------
    >>> JsonObject({"usage": {"total_tokens": 7}}).usage.total_tokens
    7
    """

    __slots__ = ("_raw",)
    _raw: dict[str, Any]

    def __init__(self, raw: dict[str, Any]) -> None:
        object.__setattr__(self, "_raw", raw)

    @property
    def raw(self) -> dict[str, Any]:
        """A copy of the JSON object."""
        return _copied(self._raw)

    def __getitem__(self, key: str) -> Any:
        return _open(self._raw[key])

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            present = ", ".join(self._raw) or "none"
            raise AttributeError(f"No field {name!r}. Fields: {present}.") from None

    def __eq__(self, other: object) -> bool:
        # The raw objects are compared: as attributes, lists become tuples.
        if isinstance(other, JsonObject):
            return self._raw == other._raw
        return self._raw == dict(other) if isinstance(other, Mapping) else NotImplemented

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(self._read_only_reason(name))

    def __delattr__(self, name: str) -> None:
        raise AttributeError(self._read_only_reason(name))

    def _read_only_reason(self, name: str) -> str:
        """Return why a field is read-only, and what to do instead."""
        return f"{name!r} is read-only: an event is a record. Use `.raw` for a copy that you can change."

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(key for key in self._raw if key.isidentifier())]

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._raw)

    def __repr__(self) -> str:
        return repr(self._raw)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self._raw,))


class Event(JsonObject):
    """One event of a session, sent or received.

    Each field of the JSON object is an attribute: ``event.response.usage.total_tokens``.

    Two events are equal if their objects, directions and times are equal. An event equals a mapping if their objects
    are equal. Events are hashable.

    Parameters
    ----------
    raw : mapping
        The JSON object.
    direction, time, elapsed, protocol
        See the attributes; the default of `time` is now.

    Attributes
    ----------
    type : str
        The name of the event, such as ``"response.done"``.
    direction : {"sent", "received"}
        The direction, as seen from the page.
    time : datetime.datetime
        When it passed the data channel: the browser's clock, corrected by the kernel's; aware, UTC.
    elapsed : float
        Seconds since the call's first event.
    raw : dict
        A copy of the JSON object, with unknown types and fields.
    protocol : str
        The wire protocol that the event belongs to, such as ``"realtime"``.
    """

    __slots__ = ("direction", "elapsed", "protocol", "time")
    protocol: str
    direction: Direction
    time: datetime
    elapsed: float

    def __init__(
        self,
        raw: Mapping[str, Any],
        *,
        direction: Direction = "received",
        time: datetime | None = None,
        elapsed: float = 0.0,
        protocol: str = DEFAULT_PROTOCOL,
    ) -> None:
        if not isinstance(raw, Mapping):
            raise TypeError(f"raw must be a mapping such as {{'type': 'response.create'}}, got {raw!r:.100}.")
        super().__init__(raw.raw if isinstance(raw, JsonObject) else _copied(dict(raw)))
        object.__setattr__(self, "direction", direction)
        object.__setattr__(self, "time", time or datetime.now(UTC))
        object.__setattr__(self, "elapsed", elapsed)
        object.__setattr__(self, "protocol", protocol)

    @classmethod
    def from_text(
        cls,
        text: str,
        *,
        direction: Direction,
        time_ms: float,
        elapsed: float = 0.0,
        protocol: str = DEFAULT_PROTOCOL,
    ) -> Event:
        """Return the event of a data-channel message.

        Text that is not a JSON object is kept unchanged in an event of type ``rtc_widget.unreadable``, which has the
        fields ``text`` and ``reason``.

        Parameters
        ----------
        text : str
            The message.
        direction : {"sent", "received"}
            The direction, as seen from the page.
        time_ms : float
            Milliseconds since 1970, UTC.
        elapsed : float
            Seconds since the call's first event.
        protocol : str
            The wire protocol.
        """
        try:
            raw = json.loads(text, object_pairs_hook=_object)
            reason = "" if isinstance(raw, dict) else f"a JSON {type(raw).__name__}, not an object"
        except (ValueError, RecursionError) as error:
            raw, reason = None, str(error)
        if reason:
            raw = {"type": "rtc_widget.unreadable", "text": text, "reason": reason}
        time = datetime.fromtimestamp(time_ms / 1000, UTC)
        return cls(raw, direction=direction, time=time, elapsed=elapsed, protocol=protocol)

    @property
    def type(self) -> str:
        """The name of the event; empty if it has none."""
        return str(self._raw.get("type", ""))

    @property
    def typed(self) -> Any:
        """The event as a model of openai-python (extra ``openai``).

        An event that is unknown there, or does not fit its model, becomes an `Untyped` with the reason.

        Raises
        ------
        ImportError
            If openai-python is not installed; the message says how to install it.
        """
        return reader_of(self.protocol).typed(self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Event):
            return self._moment() == other._moment() and self._raw == other._raw
        return super().__eq__(other)

    def __hash__(self) -> int:
        return hash(self._moment())

    def _moment(self) -> tuple[object, ...]:
        return (self.type, self.direction, self.time, self.elapsed)

    def matches(self, pattern: str) -> bool:
        """Whether the type matches a shell-style pattern such as ``"response.*"``."""
        return fnmatchcase(self.type, pattern)

    def __repr__(self) -> str:
        arrow = "→" if self.direction == "sent" else "←"
        return f"<{arrow} {self.type or 'event without a type'} {self.time:%H:%M:%S.%f}>"

    def _repr_html_(self) -> str:
        from rtc_widget.conversation.event_html import event_html

        return event_html(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_event, (self._raw, self.direction, self.time, self.elapsed, self.protocol))


def fields_of(event: Event) -> dict[str, Any]:
    """Return the JSON object of an event without a copy; it must not be changed (see `Event.raw`)."""
    return event._raw


def _copied(raw: dict[str, Any]) -> dict[str, Any]:
    # Not `deepcopy`: it recurses, and the JSON parser allows deeper nesting than Python's recursion limit.
    twin: dict[str, Any] = {}
    todo: list[tuple[Any, Any]] = [(raw, twin)]
    while todo:
        source, target = todo.pop()
        for key, value in source.items() if isinstance(source, dict) else enumerate(source):
            if isinstance(value, dict | list):
                target[key] = {} if isinstance(value, dict) else [None] * len(value)
                todo.append((value, target[key]))
            else:
                target[key] = value
    return twin


def _open(value: Any) -> Any:
    if isinstance(value, dict):
        return JsonObject(value)
    if isinstance(value, list):
        return tuple(_open(entry) for entry in value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # A log has the same few field names in up to 100,000 events; interning stores each once.
    return {sys.intern(key): value for key, value in pairs}


def _event(
    raw: dict[str, Any], direction: Direction, time: datetime, elapsed: float, protocol: str = DEFAULT_PROTOCOL
) -> Event:
    return Event(raw, direction=direction, time=time, elapsed=elapsed, protocol=protocol)
