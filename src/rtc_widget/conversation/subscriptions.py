"""Who wants to hear of which events: callbacks, waiting coroutines and streams."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
import weakref
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from rtc_widget.conversation.events import Event
from rtc_widget.errors import NotConnected, WaitTimeout
from rtc_widget.kernel.io_thread import users_loop
from rtc_widget.kernel.main_loop import wait_with_grace

Callback = Callable[[Event], Any] | Callable[[Event], Awaitable[Any]]
Condition = Callable[[Event], object]


@dataclass(frozen=True, slots=True)
class CallbackFailure:
    """What a callback raised.

    Attributes
    ----------
    callback : callable
        The function that was given to `on`.
    event : Event
        What it was called with.
    error : BaseException
        What it raised, with its traceback.
    """

    code: ClassVar[str] = "callback_failed"

    callback: Callback
    event: Event
    error: BaseException

    def __str__(self) -> str:
        name = getattr(self.callback, "__name__", repr(self.callback))
        return f"{name} failed on {self.event.type}: {type(self.error).__name__}: {self.error}"


@dataclass(frozen=True, slots=True)
class _Waiter:
    pattern: str
    where: Condition | None
    future: asyncio.Future[Event]
    in_call: bool


class EventStream(AsyncIterator[Event]):
    """The events of a kind from now on, for ``async for``; ends with the call.

    Events that come between two reads wait in it.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._events: deque[Event] = deque()
        self._ended = False
        self._news = asyncio.Event()

    def put(self, event: Event) -> None:
        """Take an event in, if it fits."""
        if not self._ended and event.matches(self._pattern):
            self._events.append(event)
            self._news.set()

    def end(self) -> None:
        """Let the loop end when it has read what is here."""
        self._ended = True
        self._news.set()

    async def __anext__(self) -> Event:
        while not self._events:
            if self._ended:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._events.popleft()


class Subscriptions:
    """Hands each event to the callbacks, streams and waiters whose pattern fits its type. Used on one loop only.

    Parameters
    ----------
    failures : Failures, optional
        Told what callbacks raise.
    """

    def __init__(self, failures: Failures | None = None) -> None:
        self.failures = Failures() if failures is None else failures
        self._callbacks: list[tuple[str, Callback]] = []
        self._waiting: list[_Waiter] = []
        # A stream whose loop was left is forgotten by itself.
        self._streams: weakref.WeakSet[EventStream] = weakref.WeakSet()
        self._running: set[asyncio.Future[Any]] = set()

    def add(self, pattern: str, callback: Callback) -> None:
        """Call `callback` for each event that fits; adding the same pair twice calls it once."""
        if (pattern, callback) not in self._callbacks:
            self._callbacks.append((pattern, callback))

    def remove(self, pattern: str, callback: Callback) -> None:
        """Stop calling; one that was never added is no error."""
        self._callbacks = [pair for pair in self._callbacks if pair != (pattern, callback)]

    def publish(self, event: Event) -> None:
        """Wake the waiters, feed the streams, then call the callbacks; an exception in one stops nobody else."""
        for waiter in self._waiting:
            if event.matches(waiter.pattern) and not waiter.future.done():
                _offer(event, waiter.where, waiter.future)
        for stream in list(self._streams):
            stream.put(event)
        for pattern, callback in list(self._callbacks):
            if event.matches(pattern):
                self._call(callback, event)

    async def next(
        self, pattern: str, timeout: float | None, where: Condition | None = None, *, in_call: bool = False
    ) -> Event:
        """Return the next event that fits; `in_call` says that there is a call now, with which the waiting ends.

        Raises
        ------
        WaitTimeout
            If none comes within `timeout` seconds.
        NotConnected
            If the call ends.
        """
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(pattern, where, future, in_call)
        self._waiting.append(waiter)
        try:
            words = f"No {pattern!r} event came within {timeout} s."
            return await wait_with_grace(timeout, future, WaitTimeout(words, hint="Look at chat.events for what came."))
        finally:
            self._waiting.remove(waiter)

    def stream(self, pattern: str) -> EventStream:
        """Return the events that fit, from now on."""
        stream = EventStream(pattern)
        self._streams.add(stream)
        return stream

    def end_call(self) -> None:
        """The call is over: no stream, and nobody who began to wait in it, has more to come."""
        for stream in list(self._streams):
            stream.end()
        self._streams.clear()
        for waiter in self._waiting:
            if waiter.in_call and not waiter.future.done():
                ended = NotConnected(
                    f"The call has ended before a {waiter.pattern!r} event came.",
                    hint="Look at chat.events for what came.",
                )
                waiter.future.set_exception(ended)

    def _call(self, callback: Callback, event: Event) -> None:
        try:
            outcome = callback(event)
        except Exception as error:  # noqa: BLE001 - told to the user, whoever wrote it
            self.failures.add(CallbackFailure(callback, event, error))
            return
        if inspect.isawaitable(outcome):
            try:
                task = asyncio.ensure_future(outcome, loop=users_loop())
            except Exception as error:  # noqa: BLE001 - no loop runs here: a script whose `asyncio.run` has ended
                if inspect.iscoroutine(outcome):
                    outcome.close()
                self.failures.add(CallbackFailure(callback, event, error))
                return
            self._running.add(task)
            task.add_done_callback(lambda done: self._finished(done, callback, event))

    def _finished(self, task: asyncio.Future[Any], callback: Callback, event: Event) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.failures.add(CallbackFailure(callback, event, error))


def _offer(event: Event, where: Condition | None, future: asyncio.Future[Event]) -> None:
    try:
        if where is None or where(event):
            future.set_result(event)
    except StopIteration as error:
        # No future takes one: it would end the coroutine that awaits.
        told = RuntimeError("The condition raised StopIteration.")
        told.__cause__ = error
        future.set_exception(told)
    except Exception as error:  # noqa: BLE001 - told to whoever waits
        future.set_exception(error)


logger = logging.getLogger("rtc_widget")

_MOST = 1_000
_PAUSE_SECONDS = 1.0
"""A callback that fails on every event is not shown more often than that."""


class Failure(Protocol):
    """What failed, and how; ``str()`` of it is a sentence."""

    @property
    def error(self) -> BaseException:
        """What was raised, with its traceback."""
        ...

    @property
    def code(self) -> str:
        """A stable name for the kind of failure."""
        ...


class Failures(list[Failure]):
    """A list of failures, oldest first; the oldest go when there are too many."""

    def __init__(self) -> None:
        super().__init__()
        self._show: Callable[[Failure], None] | None = None
        self._shown: dict[str, float] = {}

    def show_by(self, show: Callable[[Failure], None]) -> None:
        """Let `show` tell the person at the page, once a second at most for failures of the same words."""
        self._show = show

    def add(self, failure: Failure) -> None:
        """Keep a failure, log it with its traceback, and show it."""
        logger.error("%s", failure, exc_info=failure.error)
        self.append(failure)
        del self[:-_MOST]
        words, now = str(failure), time.monotonic()
        if self._show is not None and now - self._shown.get(words, -_PAUSE_SECONDS) >= _PAUSE_SECONDS:
            self._shown = {known: at for known, at in self._shown.items() if now - at < _PAUSE_SECONDS} | {words: now}
            self._show(failure)
