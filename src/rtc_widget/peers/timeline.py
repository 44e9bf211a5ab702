"""The operations, states and events of one peer connection or several, on one time axis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rtc_widget._unicode import well_formed
from rtc_widget.peers.timeline_entries import HasEvents, TimelineEntry, entries_of
from rtc_widget.peers.timeline_view import timeline_html


class Timeline:
    """The operations, states and events of peer connections on one time axis; it shows how trickle ICE works.

    In a notebook it is a drawing with a table beside it. It is drawn from the events up to now.

    Parameters
    ----------
    *peers : PeerConnection
        The connections, which get the names ``peer 1``, ``peer 2``, ….
    start, end : float, optional
        Seconds since the first event: what is shown.
    **named : PeerConnection
        More connections, with their names.

    Raises
    ------
    TypeError
        If a peer has no events.
    ValueError
        If no peer is given, or if `end` is before `start`.

    Examples
    --------
    >>> Timeline(alice=alice, bob=bob, end=0.5)  # doctest: +SKIP
    """

    def __init__(
        self, *peers: HasEvents, start: float | None = None, end: float | None = None, **named: HasEvents
    ) -> None:
        every = {f"peer {number}": peer for number, peer in enumerate(peers, 1)} | named
        if not every:
            raise ValueError("Timeline needs at least one peer connection.")
        for name, peer in every.items():
            if not hasattr(peer, "events"):
                raise TypeError(f"{name} must be a PeerConnection, got {type(peer).__qualname__}.")
        if start is not None and end is not None and end <= start:
            raise ValueError(f"end must be after start={start!r}, got {end!r}.")
        self.names = tuple(every)
        self._start_ms = None if start is None else start * 1000
        self._end_ms = None if end is None else end * 1000
        self._entries = tuple(self._within(entries_of({name: tuple(peer.events) for name, peer in every.items()})))

    @property
    def entries(self) -> tuple[TimelineEntry, ...]:
        """What is drawn, ordered by its start."""
        return self._entries

    @property
    def bounds(self) -> tuple[float, float]:
        """The first and the last millisecond of the axis."""
        ends = [entry.start if entry.end is None else entry.end for entry in self._entries]
        first = min((entry.start for entry in self._entries), default=0.0) if self._start_ms is None else self._start_ms
        last = max(ends, default=first) if self._end_ms is None else self._end_ms
        return first, max(last, first + 1)

    def _within(self, entries: Iterable[TimelineEntry]) -> Iterator[TimelineEntry]:
        for entry in entries:
            end = entry.start if entry.end is None else entry.end
            is_late = self._end_ms is not None and entry.start > self._end_ms
            if not is_late and (self._start_ms is None or end >= self._start_ms):
                yield entry

    def _repr_html_(self) -> str:
        return timeline_html(self.names, self._entries, self.bounds)

    def __repr__(self) -> str:
        rows = [f"<Timeline: {', '.join(self.names)}; {len(self._entries)} entries>"]
        for entry in self._entries:
            length = "" if entry.end is None else f" for {entry.end - entry.start:.0f} ms"
            rows.append(f"{entry.start:8.0f} ms  {entry.peer}  {entry.lane}: {entry.label}{length}")
        return well_formed("\n".join(rows))
