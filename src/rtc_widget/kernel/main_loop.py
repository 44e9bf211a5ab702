"""Where traits are written and callbacks run: the kernel's loop, or in a script the one that awaits."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from threading import RLock
from typing import TypeVar

from rtc_widget.kernel.io_thread import users_loop

logger = logging.getLogger("rtc_widget")


class MainLoop:
    """Runs what is handed to it, in order, on the loop that was running where this was made.

    While that loop does not run (a script before, between or after its ``asyncio.run``), things are run at once on the
    thread that brings them. Nothing is lost when a loop ends: the next to bring something runs what was left over.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[tuple[Callable[..., None], tuple[object, ...]]] = deque()
        self._lock = RLock()
        self._handing_over = RLock()
        self._is_busy = False
        self._missed = 0
        self.adopt()

    def adopt(self) -> None:
        """Take the loop that runs here for the main one, if there is none that runs."""
        if self.running is not None:
            return
        try:
            self._loop = users_loop()
        except RuntimeError:
            return
        # What a loop that has ended left over.
        for _ in range(len(self._waiting)):
            self._loop.call_soon(self._run_next)

    @property
    def running(self) -> asyncio.AbstractEventLoop | None:
        """The loop, if it runs."""
        return self._loop if self._loop is not None and self._loop.is_running() else None

    @property
    def runs_elsewhere(self) -> bool:
        """Whether the loop runs, and this is not it."""
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        return self.running not in (None, here)

    def call(self, function: Callable[..., None], *arguments: object) -> None:
        """Run `function` there soon; callable from any thread."""
        # In one step: else the place on the loop of one would be taken by another, and it would come too late itself.
        with self._handing_over:
            self._waiting.append((function, arguments))
            loop = self.running
            if loop is not None:
                try:
                    # One at a time, so that a cell that awaits has its turn between two of them.
                    loop.call_soon_threadsafe(self._run_next)
                except RuntimeError:
                    pass  # it has ended just now
                else:
                    return
        self.settle()

    def call_now(self, function: Callable[[], None]) -> None:
        """Run `function` at once where this is the loop's own thread, or none runs; else as `call` does."""
        if self.runs_elsewhere:
            self.call(function)
        else:
            function()

    def call_later(self, seconds: float, function: Callable[[], None]) -> None:
        """Run `function` there after a while; without a running loop it is not run at all. Called on the loop."""
        if (loop := self.running) is not None:
            loop.call_later(seconds, function)

    def settle(self) -> None:
        """Run what waits for a loop that has ended."""
        while self.running is None and self._run_next():
            pass

    def _run_next(self) -> bool:
        with self._lock:
            # Called by what is being run: whoever runs it goes on with the rest.
            if self._is_busy:
                self._missed += 1
                return False
            if not self._waiting:
                return False
            function, arguments = self._waiting.popleft()
            self._is_busy = True
            try:
                function(*arguments)
            except Exception:
                # One that fails must not hold up those behind it.
                logger.exception("%r failed", function)
            finally:
                self._is_busy = False
                # Turns that came while it ran (a callback may run a loop of its own inside this one) come after it.
                missed, self._missed = self._missed, 0
                if (loop := self.running) is not None:
                    for _ in range(missed):
                        loop.call_soon_threadsafe(self._run_next)
        return True


T = TypeVar("T")

_HELD_UP_SECONDS = 0.1
_MOMENT_SECONDS = 1.0


async def wait_with_grace(timeout: float | None, work: Awaitable[T], otherwise: Exception) -> T:
    """Return what `work` gives, or raise `otherwise` after `timeout` seconds; None waits without a limit.

    A cell that has held up the loop past the limit has held up the news as well: those that wait then still count.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task], timeout=timeout)
        if timeout is not None and not task.done() and loop.time() > began + timeout + _HELD_UP_SECONDS:
            await asyncio.wait([task], timeout=_MOMENT_SECONDS)
        if not task.done():
            raise otherwise
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
