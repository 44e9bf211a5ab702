"""Puts the page's batches of events in order: nothing lost, nothing doubled."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Lock

from rtc_widget.comm import protocol
from rtc_widget.comm.messages import Events, WireEvent
from rtc_widget.comm.protocol import Message


@dataclass(frozen=True, slots=True)
class Received:
    """What one batch brought: the events that were missing, and what to tell the page."""

    events: tuple[WireEvent, ...]
    reply: Message


@dataclass(slots=True)
class EventReceiver:
    """The events of one page, by their running number.

    Messages can be lost, doubled or overtaken while a kernel finds out on which thread it listens. A batch
    that starts too late is dropped and its forerunners are asked for; numbers seen before are passed over.
    """

    page: str
    next: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def take(self, batch: Events) -> Received:
        """Take a batch in; safe on any thread."""
        with self._lock:
            if batch.first > self.next:
                return Received((), protocol.resend(self.page, self.next))
            fresh = batch.events[self.next - batch.first :]
            self.next += len(fresh)
            return Received(fresh, protocol.ack(self.page, self.next))


@dataclass(frozen=True, slots=True)
class _Sample:
    offset_ms: float
    uncertainty_ms: float

    def contradicts(self, other: _Sample) -> bool:
        return abs(self.offset_ms - other.offset_ms) > self.uncertainty_ms + other.uncertainty_ms


class PageClock:
    """Estimates the offset of one page's clock from signs of life that it was asked for.

    The kernel asks, the page answers with its time, the kernel hears it: the page's time lies somewhere between the two
    moments of the kernel (RFC 5905, section 8, in its simplest form). The answer that came back fastest counts, until
    one contradicts it: then one of the clocks has been set. Of several open questions the first counts: nobody
    knows which one an answer answers.

    Examples
    --------
    >>> clock = PageClock()
    >>> clock.record_ping(now_ms=1000.0)
    >>> clock.record_pong(page_ms=61_010.0, now_ms=1020.0)
    >>> clock.offset_ms
    -60000.0
    """

    def __init__(self) -> None:
        self._ping_ms: float | None = None
        self._best: _Sample | None = None

    @property
    def offset_ms(self) -> float:
        """What is to be added to a time of the page; 0 as long as the clocks cannot be told apart."""
        best = self._best
        return 0.0 if best is None or abs(best.offset_ms) <= best.uncertainty_ms else best.offset_ms

    def record_ping(self, now_ms: float | None = None) -> None:
        """Note that the page is asked now (milliseconds since 1970)."""
        if self._ping_ms is None:
            self._ping_ms = _now_ms() if now_ms is None else now_ms

    def record_pong(self, page_ms: float, now_ms: float | None = None) -> None:
        """Note what the page has answered; an answer to no question is passed over."""
        asked, self._ping_ms = self._ping_ms, None
        if asked is None:
            return
        heard = _now_ms() if now_ms is None else now_ms
        sample = _Sample((asked + heard) / 2 - page_ms, (heard - asked) / 2)
        best = self._best
        if best is None or 0 <= sample.uncertainty_ms < best.uncertainty_ms or sample.contradicts(best):
            self._best = sample


def _now_ms() -> float:
    return time.time() * 1000
