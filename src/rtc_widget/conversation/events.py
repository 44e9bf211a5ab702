"""The events of the data channel as Python objects."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from rtc_widget._unicode import well_formed
from rtc_widget.conversation.json_object import JsonObject, copied
from rtc_widget.conversation.protocol_lookup import protocol_object
from rtc_widget.types import DEFAULT_PROTOCOL, Direction


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
        The name of the event, such as ``"response.done"``; empty if it has none.
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

    __slots__ = ("direction", "elapsed", "protocol", "time", "type")
    type: str
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
        own = raw.raw if isinstance(raw, JsonObject) else copied(dict(raw))
        self._fill(own, direction, time or datetime.now(UTC), elapsed, protocol)

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
            raw = _decoded(text)
            reason = "" if isinstance(raw, dict) else f"a JSON {type(raw).__name__}, not an object"
        except (ValueError, RecursionError) as error:
            raw, reason = None, str(error)
        if reason:
            raw = {"type": "rtc_widget.unreadable", "text": text, "reason": reason}
        time = datetime.fromtimestamp(time_ms / 1000, UTC)
        event = cls.__new__(cls)
        event._fill(raw, direction, time, elapsed, protocol)  # nobody else has the object, so it need not be copied
        return event

    def _fill(self, raw: dict[str, Any], direction: Direction, time: datetime, elapsed: float, protocol: str) -> None:
        # As a field name: many events have the same type, and each of their consumers looks it up.
        name = sys.intern(str(raw.get("type", "")))
        if "type" in raw and raw["type"] == name:
            raw["type"] = name
        _set_raw(self, raw)
        _set_type(self, name)
        _set_direction(self, direction)
        _set_time(self, time)
        _set_elapsed(self, elapsed)
        _set_protocol(self, protocol)

    @property
    def typed(self) -> Any:
        """The event as a model of openai-python (extra ``openai``).

        An event that is unknown there, or does not fit its model, becomes an `Untyped` with the reason.

        Raises
        ------
        ImportError
            If openai-python is not installed; the message says how to install it.
        """
        return protocol_object(self.protocol).typed(self)

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
        return well_formed(f"<{arrow} {self.type or 'event without a type'} {self.time:%H:%M:%S.%f}>")

    def _repr_html_(self) -> str:
        from rtc_widget.conversation.event_html import event_html

        return event_html((self.direction, self.elapsed, self._raw))

    def __reduce__(self) -> tuple[Any, ...]:
        return (_event, (self._raw, self.direction, self.time, self.elapsed, self.protocol))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # A log has the same few field names in up to 100,000 events; interning stores each once.
    return {sys.intern(key): value for key, value in pairs}


# `json.loads` would make a decoder for each event.
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse)
_SCAN: Callable[[str, int], tuple[Any, int]] = vars(_DECODER)["scan_once"]


def _decoded(text: str) -> Any:
    """Return the value of a JSON text, without the decoder's own steps around its scanner where these do nothing."""
    try:
        value, end = _SCAN(text, 0)
        if end == len(text):
            return value
    except StopIteration:
        pass  # there is white space before it, or it is not JSON
    return _DECODER.decode(text)


# An event refuses assignments, and `object.__setattr__` looks each name up.
_set_raw = JsonObject.__dict__["_raw"].__set__
_set_type, _set_direction, _set_time, _set_elapsed, _set_protocol = (
    Event.__dict__[name].__set__ for name in ("type", "direction", "time", "elapsed", "protocol")
)


def _event(
    raw: dict[str, Any], direction: Direction, time: datetime, elapsed: float, protocol: str = DEFAULT_PROTOCOL
) -> Event:
    return Event(raw, direction=direction, time=time, elapsed=elapsed, protocol=protocol)
