"""Who wants to hear of which events: callbacks and waiting coroutines."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from rtc_widget.errors import WaitTimeout
from rtc_widget.events import Event

logger = logging.getLogger("rtc_widget")

Callback = Callable[[Event], Any] | Callable[[Event], Awaitable[Any]]


class Subscriptions:
    """Hands each event to the callbacks and waiters whose pattern fits its type. Used on one loop only."""

    def __init__(self) -> None:
        self._callbacks: list[tuple[str, Callback]] = []
        self._waiting: list[tuple[str, asyncio.Future[Event]]] = []
        self._running: set[asyncio.Future[Any]] = set()

    def add(self, pattern: str, callback: Callback) -> None:
        """Call `callback` for each event that fits; adding the same pair twice calls it once."""
        if (pattern, callback) not in self._callbacks:
            self._callbacks.append((pattern, callback))

    def remove(self, pattern: str, callback: Callback) -> None:
        """Stop calling; one that was never added is no error."""
        self._callbacks = [pair for pair in self._callbacks if pair != (pattern, callback)]

    def publish(self, event: Event) -> None:
        """Wake the waiters, then call the callbacks; an exception in one is logged and stops nobody else."""
        for pattern, future in self._waiting:
            if event.matches(pattern) and not future.done():
                future.set_result(event)
        for pattern, callback in list(self._callbacks):
            if event.matches(pattern):
                self._call(callback, event)

    async def next(self, pattern: str, timeout: float | None) -> Event:
        """Return the next event that fits.

        Raises
        ------
        WaitTimeout
            If none comes within `timeout` seconds.
        """
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        waiter = (pattern, future)
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            raise WaitTimeout(
                f"No {pattern!r} event came within {timeout:g} s.", hint="Look at chat.events for what came."
            ) from None
        finally:
            self._waiting.remove(waiter)

    def _call(self, callback: Callback, event: Event) -> None:
        try:
            outcome = callback(event)
        except Exception:
            logger.exception("The callback %r failed on %r", callback, event)
            return
        if inspect.isawaitable(outcome):
            task = asyncio.ensure_future(outcome)
            self._running.add(task)
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Future[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("An async callback failed", exc_info=task.exception())
