"""What a time line of peer connections has: bars and dots, read from their events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from rtc_widget.peers.drawing import lane_of

_STATES: Mapping[str, tuple[str, str]] = {
    "signaling_state": ("Signaling", "stable"),
    "ice_gathering_state": ("Gathering", "new"),
    "ice_connection_state": ("ICE", "new"),
    "connection_state": ("Connection", "new"),
}
"""The states of a connection (W3C WebRTC, section 4.3): their lane, and their value at first."""
_DTLS_ORDER = ("new", "closed", "connecting", "failed", "connected")
_MARKED = ("icecandidate", "icecandidateerror", "selectedcandidatepairchange", "negotiationneeded", "track")
_CHANNEL_EVENTS = ("open", "message", "closing", "close", "error", "bufferedamountlow")
_ERRORS = ("icecandidateerror", "error")


class TimedEvent(Protocol):
    """An event of a peer connection, as `rtc_widget.peers.events.PeerEvent`."""

    @property
    def time(self) -> datetime: ...  # noqa: D102
    @property
    def type(self) -> str: ...  # noqa: D102
    @property
    def source(self) -> str: ...  # noqa: D102
    @property
    def payload(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def changes(self) -> Mapping[str, Mapping[str, Any]]: ...  # noqa: D102


class HasEvents(Protocol):
    """A peer connection, as far as a time line needs it."""

    @property
    def events(self) -> Iterable[TimedEvent]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """A bar of the time line, or a dot if it has no end.

    Attributes
    ----------
    peer : str
        The name of the peer.
    lane : str
        One of `rtc_widget.peers.drawing.LANES`.
    start : float
        Milliseconds since the first event of all peers.
    end : float or None
        When it ended; None for an event.
    label : str
        The operation, state or event in a few words.
    kind : {"call", "state", "event"}
        What it is.
    is_bad : bool
        Whether it is an error, or a state such as ``failed``.
    is_open : bool
        Whether it has not ended yet; its end is then the last event.
    """

    peer: str
    lane: str
    start: float
    end: float | None
    label: str
    kind: Literal["call", "state", "event"]
    is_bad: bool = False
    is_open: bool = False


def entries_of(peers: Mapping[str, tuple[TimedEvent, ...]]) -> list[TimelineEntry]:
    """Return the operations, states and events of each peer, ordered by their start."""
    times = [event.time for events in peers.values() for event in events]
    if not times:
        return []
    reader = [
        _PeerReader(name, events, min(times), (max(times) - min(times)).total_seconds() * 1000)
        for name, events in peers.items()
    ]
    return sorted((entry for one in reader for entry in one.entries()), key=lambda entry: entry.start)


class _PeerReader:
    """Reads the events of one peer."""

    def __init__(self, peer: str, events: tuple[TimedEvent, ...], zero: datetime, last: float) -> None:
        self._peer = peer
        self._events = events
        self._zero = zero
        self._last = last

    def entries(self) -> Iterator[TimelineEntry]:
        yield from self._calls()
        for name, (lane, first) in _STATES.items():
            yield from self._states(lane, first, "pc", name)
        if (dtls := self._dtls()) is not None:
            yield from self._states("DTLS", "new", dtls, "state")
        yield from self._marks()

    def _at(self, event: TimedEvent) -> float:
        return (event.time - self._zero).total_seconds() * 1000

    def _calls(self) -> Iterator[TimelineEntry]:
        called: dict[Any, tuple[float, str]] = {}
        for event in self._events:
            if event.type != "operation":
                continue
            number, op = event.payload.get("call"), str(event.payload.get("op"))
            if event.payload.get("phase") == "called":
                called[number] = (self._at(event), op)
                continue
            error = event.payload.get("error") or {}
            start, op = called.pop(number, (self._at(event), op))
            label = f"{op}: {error.get('name')}" if error else op
            yield TimelineEntry(self._peer, "Operations", start, self._at(event), label, "call", is_bad=bool(error))
        for start, op in called.values():
            yield TimelineEntry(self._peer, "Operations", start, self._last, op, "call", is_open=True)

    def _states(self, lane: str, first: str, handle: str, name: str) -> Iterator[TimelineEntry]:
        if not self._events:
            return
        state, since = first, self._at(self._events[0])
        for event in self._events:
            value = event.changes.get(handle, {}).get(name)
            if not isinstance(value, str) or value == state:
                continue
            if self._at(event) > since:
                yield self._state(lane, since, self._at(event), state)
            state, since = value, self._at(event)
        yield self._state(lane, since, self._last, state, is_open=True)

    def _state(self, lane: str, start: float, end: float, state: str, *, is_open: bool = False) -> TimelineEntry:
        is_bad = state in ("failed", "disconnected")
        return TimelineEntry(self._peer, lane, start, end, state, "state", is_bad=is_bad, is_open=is_open)

    def _dtls(self) -> str | None:
        """Return the transport that came furthest: the others are bundled away (RFC 9143)."""
        furthest: dict[str, int] = {}
        for event in self._events:
            for handle, attributes in event.changes.items():
                if handle.startswith("dtls:") and attributes.get("state") in _DTLS_ORDER:
                    place = _DTLS_ORDER.index(attributes["state"])
                    furthest[handle] = max(furthest.get(handle, 0), place)
        return max(furthest, key=lambda handle: furthest[handle], default=None)

    def _marks(self) -> Iterator[TimelineEntry]:
        for event in self._events:
            label = _label_of(event)
            if label is not None:
                lane, is_bad = lane_of(event.source, event.type), event.type in _ERRORS
                yield TimelineEntry(self._peer, lane, self._at(event), None, label, "event", is_bad=is_bad)


def _label_of(event: TimedEvent) -> str | None:
    """Return what the dot of an event says; None if the event has none, since the bar of a state shows it."""
    if event.source.startswith("channel:") and event.type in _CHANNEL_EVENTS:
        return f"{event.source} {event.type}"
    match event.type:
        case "datachannel":
            return f"{event.payload.get('channel')} arrives"
        case "icecandidate":
            return _candidate_label(event.payload.get("candidate"))
        case "icecandidateerror":
            return f"error {event.payload.get('error_code')}"
        case name:
            return name if name in _MARKED else None


def _candidate_label(candidate: Any) -> str:
    """Return type and transport of a candidate, without its address."""
    words = str((candidate or {}).get("candidate", "")).split()
    if len(words) < 8:
        return "end of candidates"
    return f"candidate: {words[7]} {words[2].lower()}"
