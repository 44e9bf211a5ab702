"""The loop on which traits are written and callbacks run: the kernel's, or in a script the one that awaits."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from threading import RLock, local
from typing import TypeVar

from rtc_widget.kernel.io_thread import users_loop

logger = logging.getLogger("rtc_widget")


class MainLoop:
    """Runs functions in order on one loop: the loop that was running when this object was created.

    While that loop does not run (in a script outside of its ``asyncio.run``), functions run at once on the calling
    thread. When a loop ends, the next call runs the functions that were left over.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[tuple[Callable[..., None], tuple[object, ...]]] = deque()
        self._lock = RLock()
        self._handing_over = RLock()
        self._held_back = local()
        self._is_busy = False
        self._missed = 0
        self.adopt()

    def adopt(self) -> None:
        """Use the loop that runs here as the main loop, unless the main loop is running."""
        if self.running is not None:
            return
        try:
            self._loop = users_loop()
        except RuntimeError:
            return
        # Functions that an earlier loop left over.
        for _ in range(len(self._waiting)):
            self._loop.call_soon(self._run_next)

    @property
    def running(self) -> asyncio.AbstractEventLoop | None:
        """The loop if it runs, else None."""
        return self._loop if self._loop is not None and self._loop.is_running() else None

    @property
    def runs_elsewhere(self) -> bool:
        """Whether the loop runs, and the current code is not on it."""
        try:
            here = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        return self.running not in (None, here)

    def call(self, function: Callable[..., None], *arguments: object) -> None:
        """Run `function` on the loop soon; callable from any thread."""
        # Queue and schedule in one step, or two threads could swap their order.
        with self._handing_over:
            self._waiting.append((function, arguments))
            loop = self.running
            if loop is not None:
                try:
                    # One at a time, so that a cell that awaits runs between two of them.
                    loop.call_soon_threadsafe(self._run_next)
                except RuntimeError:
                    pass  # the loop has just ended
                else:
                    return
        if getattr(self._held_back, "depth", 0) == 0:
            self.settle()

    def hold_back(self) -> None:
        """Let the functions that this thread calls without a running loop wait until `let_go`.

        For a thread that is about to take a lock which those functions take, too: another thread may run one just now.
        """
        self._held_back.depth = getattr(self._held_back, "depth", 0) + 1

    def let_go(self) -> None:
        """Run the functions that waited; the lock is released."""
        self._held_back.depth -= 1
        if self._held_back.depth == 0 and self._waiting:
            self.settle()

    def call_now(self, function: Callable[[], None]) -> None:
        """Run `function` at once on the loop's own thread or without a running loop; else as `call` does."""
        if self.runs_elsewhere:
            self.call(function)
        else:
            function()

    def call_later(self, seconds: float, function: Callable[[], None]) -> None:
        """Run `function` on the loop after some seconds; ignored without a running loop. Called on the loop."""
        if (loop := self.running) is not None:
            loop.call_later(seconds, function)

    def settle(self) -> None:
        """Run the functions that an ended loop left over."""
        while self.running is None and self._run_next():
            pass

    def _run_next(self) -> bool:
        with self._lock:
            # Called from a function that runs here: the outer call runs the rest.
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
                # A failed function must not block the next ones.
                logger.exception("%r failed", function)
            finally:
                self._is_busy = False
                # Schedule the turns that came meanwhile (a callback may run a nested loop).
                missed, self._missed = self._missed, 0
                if (loop := self.running) is not None:
                    for _ in range(missed):
                        loop.call_soon_threadsafe(self._run_next)
        return True


T = TypeVar("T")

_BLOCKED_SECONDS = 0.1
_GRACE_SECONDS = 1.0


async def wait_with_grace(
    timeout: float | None, work: Awaitable[T], otherwise: Exception | Callable[[], Exception]
) -> T:
    """Return the result of `work`, or raise `otherwise` after `timeout` seconds; None waits without a limit.

    `otherwise` may be a function that returns the exception; it is called when the time is over.

    A cell that blocked the loop beyond the limit delayed the result as well, so it gets one more second.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task], timeout=timeout)
        if timeout is not None and not task.done() and loop.time() > began + timeout + _BLOCKED_SECONDS:
            await asyncio.wait([task], timeout=_GRACE_SECONDS)
        if not task.done():
            raise otherwise if isinstance(otherwise, Exception) else otherwise()
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
