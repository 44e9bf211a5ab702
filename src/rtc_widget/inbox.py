"""Puts the page's batches of events in order: nothing lost, nothing doubled."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from rtc_widget import protocol
from rtc_widget.page_messages import Events, WireEvent
from rtc_widget.protocol import Message


@dataclass(frozen=True, slots=True)
class Intake:
    """What one batch brought: the events that were missing, and what to tell the page."""

    events: tuple[WireEvent, ...]
    answer: Message


@dataclass(slots=True)
class Inbox:
    """The events of one page, by their running number.

    Messages can be lost, doubled or overtaken while a kernel finds out on which thread it listens. A batch
    that starts too late is dropped and its forerunners are asked for; numbers seen before are passed over.
    """

    page: str
    next: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def take(self, batch: Events) -> Intake:
        """Take a batch in; safe on any thread."""
        with self._lock:
            if batch.first > self.next:
                return Intake((), protocol.resend(self.page, self.next))
            fresh = batch.events[self.next - batch.first :]
            self.next += len(fresh)
            return Intake(fresh, protocol.ack(self.page, self.next))
