"""Finds the page to send a request to: there may be no page yet, or several, and some may be gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from rtc_widget.comm.page_registry import KnownPage, PageRegistry
from rtc_widget.comm.step_lock import StepLock
from rtc_widget.errors import PageNotFound
from rtc_widget.kernel.ipykernel import receives_during_cells

PONG_SECONDS = 1.0
"""How long the newest of several pages may take to reply to a ping, before another page is chosen."""


class PageFinder:
    """Waits for a first page, and pings several to find one that responds.

    Parameters
    ----------
    pages : PageRegistry
        The pages, guarded by `lock`.
    lock : StepLock
        The bridge's lock.
    ping : callable
        Sends one page a ping.
    """

    def __init__(self, pages: PageRegistry, lock: StepLock, ping: Callable[[KnownPage], None]) -> None:
        self._pages = pages
        self._lock = lock
        self._ping = ping
        self._waiting: list[Callable[[], None]] = []

    def wake(self) -> None:
        """Make the tasks that wait for a page check again; callable from any thread."""
        with self._lock:
            waiting = list(self._waiting)
        for wake in waiting:
            with suppress(RuntimeError):  # its loop has ended
                wake()

    async def page(self, timeout: float) -> KnownPage:
        """Return the page with the call; else the newest page that replies to a ping.

        A page that left right after its first pong may be returned: a pong does not name its ping.

        Raises
        ------
        PageNotFound
            If no page appears within `timeout` seconds.
        """
        page = await self._first_page(timeout)
        with self._lock:
            living = self._pages.living
            if self._pages.active_page is not None or len(living) < 2:
                return page
        asked = time.monotonic()
        for one in living:
            self._ping(one)
        while living[0].pong_at < asked and time.monotonic() < asked + PONG_SECONDS:  # noqa: ASYNC110 - any thread
            await asyncio.sleep(0.01)
        # On a busy machine all of them may be late.
        while receives_during_cells() and time.monotonic() < asked + timeout:
            if any(one.pong_at >= asked for one in living):
                break
            await asyncio.sleep(0.01)
        return next((one for one in living if one.pong_at >= asked), page)

    async def _first_page(self, timeout: float) -> KnownPage:
        loop = asyncio.get_running_loop()
        page_came = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(page_came.set)

        with self._lock:
            page = self._pages.current
            if page is not None:
                return page
            self._waiting.append(wake)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await page_came.wait()
        finally:
            with self._lock:
                self._waiting.remove(wake)
        page = self._pages.current
        if page is None:
            raise PageNotFound(f"No page displayed this widget within {timeout:g} s.")
        return page
