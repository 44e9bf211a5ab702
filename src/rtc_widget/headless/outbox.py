"""The events on their way to the kernel: numbered, batched, and kept until the kernel says that it has them."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from rtc_widget.comm.protocol import Message
from rtc_widget.types import Direction

BATCH_CHARACTERS = 65_536
PAUSE_SECONDS = 0.016


@dataclass(frozen=True, slots=True)
class _QueuedEvent:
    attempt: str
    event: list[object]
    size: int


class Outbox:
    """The first event leaves at once, then there is at most one batch every 16 ms, or as soon as 64 KiB wait.

    Parameters
    ----------
    post : callable
        Takes the fields of an ``events`` message.
    """

    def __init__(self, post: Callable[..., None]) -> None:
        self._post = post
        self._queue: deque[_QueuedEvent] = deque()
        # Numbers of the first event kept (those before it are with the kernel), and of the next to be posted.
        self._base = 0
        self._next = 0
        self._waiting = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, attempt: str, direction: Direction, text: str) -> None:
        """Take an event in."""
        self._queue.append(_QueuedEvent(attempt, [direction, time.time() * 1000, text], len(text)))
        self._waiting += len(text)
        if self._timer is None or self._waiting >= BATCH_CHARACTERS:
            self.flush()

    def flush(self) -> None:
        """Post what waits."""
        self.close()
        self._waiting = 0
        if self._next == self._base + len(self._queue):
            return
        while self._next < self._base + len(self._queue):
            self._post_batch()
        self._timer = asyncio.get_running_loop().call_later(PAUSE_SECONDS, self.flush)

    def acknowledge(self, next: int) -> None:
        """Forget the events before this number: the kernel has them."""
        while self._base < next and self._queue:
            self._queue.popleft()
            self._base += 1
        self._next = max(self._next, self._base)

    def resend_from(self, first: int) -> None:
        """Post the events from this number on once more."""
        self._next = max(self._base, min(first, self._next))
        self.flush()

    def close(self) -> None:
        """Post nothing more by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _post_batch(self) -> None:
        """Post events that may travel together: of one attempt, and not much more than 64 KiB."""
        first, events, size = self._next, [], 0
        attempt = self._queue[first - self._base].attempt
        for at in range(first - self._base, len(self._queue)):
            queued = self._queue[at]
            if queued.attempt != attempt or size >= BATCH_CHARACTERS:
                break
            events.append(queued.event)
            size += queued.size
        # Before posting: the kernel, in this very process, acknowledges at once.
        self._next = first + len(events)
        self._post(attempt=attempt, first=first, events=events)


class MediaOutbox:
    """The kernel takes these messages on the very thread that brings them, so none waits for its turn.

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
        """Forget what the kernel has, and send the rest again if it misses some."""
        while self._queue and self._queue[0]["number"] < next:
            self._queue.popleft()
        if missing:
            for message in list(self._queue):
                self._send(**message)
