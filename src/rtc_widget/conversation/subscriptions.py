"""Delivers events to callbacks, waiting coroutines and streams."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
import weakref
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import Context, copy_context
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from rtc_widget._error_text import error_text
from rtc_widget._unicode import well_formed
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.failures_html import FailureRow, failures_html, failures_text
from rtc_widget.errors import NotConnected, WaitTimeout
from rtc_widget.kernel.cell import in_cell, stoppable
from rtc_widget.kernel.io_thread import users_loop
from rtc_widget.kernel.main_loop import wait_with_grace
from rtc_widget.kernel.operation import say_when_stopped
from rtc_widget.kernel.registration import is_newer_version

Callback = Callable[[Event], Any] | Callable[[Event], Awaitable[Any]]
Condition = Callable[[Event], object]


class Published(Protocol):
    """An event that can be subscribed to."""

    @property
    def type(self) -> str:
        """The name of the event."""
        ...

    def matches(self, pattern: str) -> bool:
        """Whether a subscription to a shell-style pattern gets this event."""
        ...


E = TypeVar("E", bound=Published)


@dataclass(frozen=True, slots=True)
class CallbackFailure:
    """An exception that a callback raised.

    Attributes
    ----------
    callback : callable
        The function that was passed to `VoiceChat.on` or `PeerConnection.on`.
    event : Event or PeerEvent
        The event that it was called with.
    error : BaseException
        The exception, with its traceback.
    """

    code: ClassVar[str] = "callback_failed"

    callback: Callable[..., Any]
    event: Published
    error: BaseException

    def __str__(self) -> str:
        name = getattr(self.callback, "__name__", repr(self.callback))
        return well_formed(f"{name} failed on {self.event.type}: {error_text(self.error)}")


@dataclass(frozen=True, slots=True)
class _Waiter(Generic[E]):
    pattern: str
    where: Callable[[E], object] | None
    future: asyncio.Future[E]
    in_call: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Subscription:
    """A callback, and the context of the cell that registered it: its output appears there."""

    pattern: str
    callback: Callable[..., Any]
    context: Context

    def is_replaced_by(self, other: _Subscription) -> bool:
        is_same = self.callback == other.callback or is_newer_version(other.callback, self.callback)
        return self.pattern == other.pattern and is_same


class EventStream(AsyncIterator[E]):
    """The future events that match a pattern, for ``async for``; it ends with the call or the connection.

    Events that arrive between two reads are buffered.
    """

    def __init__(self, pattern: str, subject: str = "call") -> None:
        self._pattern = pattern
        self._subject = subject
        self._events: deque[E] = deque()
        self._ended = False
        self._news = asyncio.Event()

    def put(self, event: E) -> None:
        """Buffer an event if it matches the pattern."""
        if not self._ended and event.matches(self._pattern):
            self._events.append(event)
            self._news.set()

    def taken(self) -> list[E]:
        """Return the buffered events, and buffer them no more."""
        events = list(self._events)
        self._events.clear()
        return events

    def end(self) -> None:
        """End the loop after the buffered events."""
        self._ended = True
        self._news.set()

    async def __anext__(self) -> E:
        while not self._events:
            if self._ended:
                raise StopAsyncIteration
            self._news.clear()
            try:
                with stoppable():
                    await self._news.wait()
            except asyncio.CancelledError as error:
                if in_cell():
                    say_when_stopped(error, f"The {self._subject} goes on.")
                raise
        return self._events.popleft()


class Subscriptions(Generic[E]):
    """Delivers each event to the callbacks, streams and waiters whose pattern matches its type; used on one loop.

    Parameters
    ----------
    failures : Failures, optional
        Collects the exceptions of callbacks.
    subject : str
        What the events are about, and what ends: ``"call"``.
    log : str
        Where the events that arrived can be found, for the errors.
    """

    def __init__(self, failures: Failures | None = None, *, subject: str = "call", log: str = "chat.events") -> None:
        self._subject = subject
        self._hint = f"{log} has the events that arrived."
        self.failures = Failures() if failures is None else failures
        self._callbacks: list[_Subscription] = []
        self._waiting: list[_Waiter[E]] = []
        # Weak: a stream that is no longer read is dropped.
        self._streams: weakref.WeakSet[EventStream[E]] = weakref.WeakSet()
        self._running: set[asyncio.Future[Any]] = set()
        self._changed: Callable[[], None] = lambda: None

    @property
    def exist(self) -> bool:
        """Whether there is a callback, a stream or a waiter."""
        return bool(self._callbacks or self._waiting or any(True for _ in self._streams))

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever there may be a first subscription, or none any more."""
        self._changed = changed

    def add(self, pattern: str, callback: Callable[..., Any]) -> None:
        """Call `callback` for each event that matches; adding the same pair again has no effect.

        A function of the same module and name replaces the one before, as after a second run of its cell.
        """
        added = _Subscription(pattern, callback, copy_context())
        known = [one for one in self._callbacks if one.is_replaced_by(added)]
        if not known:
            self._callbacks = [*self._callbacks, added]
            self._changed()
            return
        # New lists: `publish` may be reading the old one.
        first = known[0]
        self._callbacks = [
            added if one is first else one for one in self._callbacks if one is first or one not in known
        ]

    def remove(self, pattern: str, callback: Callable[..., Any]) -> None:
        """Stop calling `callback`; a pair that was not added is ignored."""
        self._callbacks = [one for one in self._callbacks if (one.pattern, one.callback) != (pattern, callback)]
        self._changed()

    def publish(self, event: E) -> None:
        """Wake the waiters, feed the streams, then call the callbacks; an exception in one stops no other."""
        for waiter in self._waiting:
            if event.matches(waiter.pattern) and not waiter.future.done():
                _offer(event, waiter.where, waiter.future)
        # Iterating over a weak set costs more than all else here.
        if len(self._streams):
            for stream in list(self._streams):
                stream.put(event)
        for subscription in self._callbacks:
            if event.matches(subscription.pattern):
                self._call(subscription, event)

    async def next(
        self, pattern: str, timeout: float | None, where: Callable[[E], object] | None = None, *, in_call: bool = False
    ) -> E:
        """Wait for the next event that matches.

        Parameters
        ----------
        pattern : str
            A shell-style pattern of the event's type.
        timeout : float or None
            Seconds to wait; None waits without a limit.
        where : callable, optional
            A further condition on the event.
        in_call : bool
            Whether the wait ends with the present call.

        Raises
        ------
        WaitTimeout
            If no such event arrives within `timeout` seconds.
        NotConnected
            If the call ends and `in_call` is true.
        """
        future: asyncio.Future[E] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(pattern, where, future, in_call)
        self._waiting.append(waiter)
        self._changed()
        try:
            since = datetime.now().astimezone()
            late = WaitTimeout(
                f"No {pattern!r} event arrived within {timeout} s, since {since:%H:%M:%S}.",
                hint=self._hint,
            )
            return await wait_with_grace(timeout, future, late)
        finally:
            self._waiting.remove(waiter)
            self._changed()

    def stream(self, pattern: str) -> EventStream[E]:
        """Return a stream of the future events that match."""
        stream: EventStream[E] = EventStream(pattern, self._subject)
        self._streams.add(stream)
        # A stream that nobody reads any more does not say that it ends.
        weakref.finalize(stream, _tell_change, weakref.ref(self)).atexit = False
        self._changed()
        return stream

    def end_call(self) -> None:
        """End the streams, and the waiters that wait for events of this call."""
        for stream in list(self._streams):
            stream.end()
        self._streams.clear()
        self._changed()
        for waiter in self._waiting:
            if waiter.in_call and not waiter.future.done():
                ended = NotConnected(
                    f"The {self._subject} ended before a {waiter.pattern!r} event arrived.",
                    hint=self._hint,
                )
                waiter.future.set_exception(ended)

    def _call(self, subscription: _Subscription, event: E) -> None:
        # A copy: a context cannot be entered again while a callback runs in it.
        callback, context = subscription.callback, subscription.context.copy()
        try:
            outcome = context.run(callback, event)
        except Exception as error:  # noqa: BLE001 - user code may raise anything; reported
            self.failures.add(CallbackFailure(callback, event, error))
            return
        if outcome is not None and inspect.isawaitable(outcome):
            try:
                task = context.run(asyncio.ensure_future, outcome, loop=users_loop())
            except Exception as error:  # noqa: BLE001 - no loop runs: the `asyncio.run` of a script has ended
                if inspect.iscoroutine(outcome):
                    outcome.close()
                self.failures.add(CallbackFailure(callback, event, error))
                return
            self._running.add(task)
            task.add_done_callback(lambda done: self._finished(done, callback, event))

    def _finished(self, task: asyncio.Future[Any], callback: Callable[..., Any], event: E) -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.failures.add(CallbackFailure(callback, event, error))


def _tell_change(subscriptions: weakref.ref[Subscriptions[Any]]) -> None:
    if (known := subscriptions()) is not None:
        known._changed()


def _offer(event: E, where: Callable[[E], object] | None, future: asyncio.Future[E]) -> None:
    try:
        if where is None or where(event):
            future.set_result(event)
    except StopIteration as error:
        # `Future.set_exception` refuses StopIteration.
        failure = RuntimeError("The condition raised StopIteration.")
        failure.__cause__ = error
        future.set_exception(failure)
    except Exception as error:  # noqa: BLE001 - raised in the waiting coroutine
        future.set_exception(error)


logger = logging.getLogger("rtc_widget")

_MAX_FAILURES = 1_000
_PAUSE_SECONDS = 1.0
"""A failure with the same text is shown at most once in this time: a callback may fail on every event."""


class Failure(Protocol):
    """An exception of user code; its ``str()`` is a sentence."""

    @property
    def error(self) -> BaseException:
        """The exception, with its traceback."""
        ...

    @property
    def code(self) -> str:
        """A stable name for the kind of failure."""
        ...


class FailureLog(list[Failure]):
    """Failures, oldest first; a notebook shows what failed, why and where."""

    def __repr__(self) -> str:
        return failures_text(self._rows())

    def _repr_html_(self) -> str:
        return failures_html(self._rows())

    def _rows(self) -> list[FailureRow]:
        return [(failure.code, str(failure), failure.error) for failure in self]


class Failures(FailureLog):
    """The last 1,000 failures, oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self._show: Callable[[Failure], None] | None = None
        self._shown: dict[str, float] = {}

    def show_by(self, show: Callable[[Failure], None]) -> None:
        """Show failures on the page by `show`, those with the same text at most once per second."""
        self._show = show

    def add(self, failure: Failure) -> None:
        """Append a failure, log it with its traceback, and show it."""
        logger.error("%s", failure, exc_info=failure.error)
        self.append(failure)
        del self[:-_MAX_FAILURES]
        words, now = str(failure), time.monotonic()
        if self._show is not None and now - self._shown.get(words, -_PAUSE_SECONDS) >= _PAUSE_SECONDS:
            self._shown = {known: at for known, at in self._shown.items() if now - at < _PAUSE_SECONDS} | {words: now}
            self._show(failure)
