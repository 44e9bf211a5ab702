"""Events and media on their way to the kernel: numbered, and kept until the kernel acknowledges them."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from rtc_widget.comm.protocol import Message

BATCH_CHARACTERS = 65_536
PAUSE_SECONDS = 0.016


@dataclass(frozen=True, slots=True)
class _QueuedEvent:
    owner: str
    event: list[object]
    size: int


class Outbox:
    """Sends events in batches: the first event at once, then a batch every 16 ms, or as soon as 64 KiB wait.

    Parameters
    ----------
    post : callable
        Sends a batch: the attempt or peer that its events belong to, the number of the first one, and the events.
    """

    def __init__(self, post: Callable[[str, int, list[list[object]]], None]) -> None:
        self._post = post
        self._queue: deque[_QueuedEvent] = deque()
        # The numbers of the first event in the queue, and of the next one to send.
        self._base = 0
        self._next = 0
        self._waiting = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def count(self) -> int:
        """How many events were added so far: the number of the next one."""
        return self._base + len(self._queue)

    def add(self, owner: str, event: list[object], size: int) -> None:
        """Add an event of an attempt or a peer; `size` is its length in characters."""
        self._queue.append(_QueuedEvent(owner, event, size))
        self._waiting += size
        if self._timer is None or self._waiting >= BATCH_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        """Send the events that wait."""
        self.close()
        self._waiting = 0
        if self._next == self.count:
            return
        while self._next < self.count:
            self._post_batch()
        self._timer = asyncio.get_running_loop().call_later(PAUSE_SECONDS, self.flush)

    def acknowledge(self, next: int) -> None:
        """Remove the events before this number: the kernel has them."""
        while self._base < next and self._queue:
            self._queue.popleft()
            self._base += 1
        self._next = max(self._next, self._base)

    def resend_from(self, first: int) -> None:
        """Send the events from this number on again."""
        self._next = max(self._base, min(first, self._next))
        self.flush()

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _post_batch(self) -> None:
        """Send one batch: events of one owner, about 64 KiB at most."""
        first, events, size = self._next, [], 0
        owner = self._queue[first - self._base].owner
        for at in range(first - self._base, len(self._queue)):
            queued = self._queue[at]
            if queued.owner != owner or size >= BATCH_CHARACTERS:
                break
            events.append(queued.event)
            size += queued.size
        # Before sending: the kernel, in this process, acknowledges at once.
        self._next = first + len(events)
        self._post(owner, first, events)


class MediaOutbox:
    """Sends ``audio`` and ``stats`` messages at once: the kernel processes them on the calling thread.

    Parameters
    ----------
    send : callable
        Sends a message of a type with its fields.
    """

    def __init__(self, send: Callable[..., None]) -> None:
        self._send = send
        self._numbers = itertools.count()
        self._queue: deque[Message] = deque()

    def post(self, type: str, **fields: object) -> None:
        """Send one ``audio`` or ``stats`` message."""
        message = {"type": type, "number": next(self._numbers), **fields}
        self._queue.append(message)
        self._send(**message)

    def acknowledge(self, next: int, *, missing: bool) -> None:
        """Remove the messages that the kernel has; send the rest again if some are missing."""
        while self._queue and self._queue[0]["number"] < next:
            self._queue.popleft()
        if missing:
            for message in list(self._queue):
                self._send(**message)
