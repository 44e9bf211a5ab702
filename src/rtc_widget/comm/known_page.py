"""Restores the order of a page's event batches, and estimates the offset of its clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, Protocol, TypeVar

from rtc_widget.comm import protocol
from rtc_widget.comm.protocol import Message

E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)


class Batch(Protocol[E_co]):
    """Consecutive events; `first` is the running number of the first one on its page."""

    @property
    def first(self) -> int: ...  # noqa: D102

    @property
    def events(self) -> tuple[E_co, ...]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Received(Generic[E]):
    """The new events of a batch, and the reply to the page."""

    events: tuple[E, ...]
    reply: Message


@dataclass(slots=True)
class EventReceiver:
    """Receives the events of one page in order, by their running numbers.

    Messages can be lost, repeated or reordered while the kernel moves them to another thread. A batch that starts too
    late is dropped and the missing events are requested; events that are known already are ignored.
    """

    page: str
    next: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def take(self, batch: Batch[E]) -> Received[E]:
        """Receive a batch; safe on any thread."""
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
    """Estimates the offset between one page's clock and the kernel's, from pings.

    The page's time lies between the kernel's times of ping and pong (RFC 5905, section 8, in its simplest form). The
    fastest reply counts, until another one contradicts it: then one of the clocks was set. Of several open pings the
    first counts, because a pong does not say which ping it replies to.

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
        """Milliseconds to add to a time of the page; 0 while the difference is below the measuring error."""
        best = self._best
        return 0.0 if best is None or abs(best.offset_ms) <= best.uncertainty_ms else best.offset_ms

    def record_ping(self, now_ms: float | None = None) -> None:
        """Record that a ping is sent now (milliseconds since 1970)."""
        if self._ping_ms is None:
            self._ping_ms = _now_ms() if now_ms is None else now_ms

    def record_pong(self, page_ms: float, now_ms: float | None = None) -> None:
        """Record the time in a pong; a pong without a ping is ignored."""
        sent_ms, self._ping_ms = self._ping_ms, None
        if sent_ms is None:
            return
        received_ms = _now_ms() if now_ms is None else now_ms
        sample = _Sample((sent_ms + received_ms) / 2 - page_ms, (received_ms - sent_ms) / 2)
        best = self._best
        if best is None or 0 <= sample.uncertainty_ms < best.uncertainty_ms or sample.contradicts(best):
            self._best = sample


def _now_ms() -> float:
    return time.time() * 1000
