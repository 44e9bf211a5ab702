"""Checks that the page with the call is alive, and lets another page take the call over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from rtc_widget.comm import protocol
from rtc_widget.comm.page_registry import KnownPage, PageRegistry
from rtc_widget.comm.protocol import Message
from rtc_widget.comm.step_lock import StepLock
from rtc_widget.kernel.io_thread import io_thread
from rtc_widget.kernel.ipykernel import receives_during_cells
from rtc_widget.kernel.main_loop import MainLoop

ACTIVE_PAGE_SECONDS = 3.0
"""How long the page with the call may take to reply to a check, or to release the call."""
SILENT_SECONDS = 12.0
"""After so long without a message, which is two pings, the page with the call is checked."""

ALIVE_SECONDS = 4.0
"""A page that has sent a message in this time is not pinged, unless its clock must be compared."""
CLOCK_SECONDS = 30.0
"""How often the clocks are compared at least."""


class _Owner(Protocol):
    def state_changed(self, state: Any) -> None: ...

    def active_page_left(self) -> None: ...

    def page_left(self, page: KnownPage) -> None: ...


class _Owned(Protocol):
    @property
    def owner(self) -> _Owner: ...


class Liveness:
    """Watches the page with the call.

    Parameters
    ----------
    pages : PageRegistry
        The pages, guarded by `lock`.
    lock : StepLock
        The bridge's lock.
    send : callable
        Sends one message to the pages.
    main : MainLoop
        The loop that waits for replies.
    owned : object
        Its ``owner`` learns which page is gone.
    """

    def __init__(
        self,
        pages: PageRegistry,
        lock: StepLock,
        send: Callable[[Message], None],
        main: MainLoop,
        owned: _Owned,
    ) -> None:
        self._pages = pages
        self._lock = lock
        self._send = send
        self._main = main
        self._owned = owned

    def tick(self) -> None:
        """Ping the page with the call if it has sent nothing, and check it after a long silence."""
        self._main.settle()
        with self._lock:
            active_page = self._pages.active_page
        if active_page is None:
            return
        # Its statistics are signs of life as well, and the kernel is quiet where it has nothing to ask.
        now = time.monotonic()
        if now - active_page.heard_at >= ALIVE_SECONDS or now - active_page.pong_at >= CLOCK_SECONDS:
            self.ping(active_page)
        if time.monotonic() - active_page.heard_at > SILENT_SECONDS and receives_during_cells():
            self.check(active_page)

    def ping(self, page: KnownPage) -> None:
        """Ping a page; its pong also has the time of its clock."""
        page.clock.record_ping()
        self._send(protocol.ping(page.name))

    def check(self, active_page: KnownPage) -> None:
        """Request the state of the page with the call; a page that was reloaded or closed does not reply."""
        self._main.call(self._check, active_page)

    def page_left(self, page: KnownPage) -> None:
        """Remove a page that has left; its call has ended."""
        owner = self._owned.owner
        with self._lock:
            held = page.holds
            was_active = self._pages.active_page is page
            successor = self._pages.remove(page)
            # Under the lock: another thread must not report a newer state first.
            if successor is not None:
                owner.state_changed(successor)
            elif was_active:
                owner.active_page_left()
        if held:
            owner.page_left(page)

    def drop_active_page(self) -> None:
        """Treat the page with the call as gone."""
        with self._lock:
            active_page = self._pages.active_page
        if active_page is not None:
            self.page_left(active_page)

    def call_after_release(self, active_page: KnownPage, released: Future[None], call: Callable[[], None]) -> None:
        """Make the call of another page once the active page has released its own, or is gone."""
        io_thread().run(self._call_after_release(active_page, released, call))

    async def _call_after_release(
        self, active_page: KnownPage, released: Future[None], call: Callable[[], None]
    ) -> None:
        # On the I/O thread: a busy cell must not delay a page that takes the call over.
        try:
            # Shielded: a late reply still sets this future.
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(released)), ACTIVE_PAGE_SECONDS)
        except TimeoutError:
            self.page_left(active_page)
        call()

    def _check(self, active_page: KnownPage) -> None:
        if self._main.running is None:
            return  # no loop can wait for the reply
        asked = time.monotonic()
        self._send(protocol.welcome(active_page.name))
        self._main.call_later(ACTIVE_PAGE_SECONDS, lambda: self._drop_if_silent(active_page, asked))

    def _drop_if_silent(self, active_page: KnownPage, asked: float) -> None:
        if time.monotonic() - asked > ACTIVE_PAGE_SECONDS + 1:
            # A cell blocked the loop; the reply may wait behind it.
            self._check(active_page)
            return
        if active_page.heard_at < asked and active_page.holds:
            self.page_left(active_page)


TICK_SECONDS = 5.0


class Heartbeat:
    """Calls `tick` every few seconds on the I/O thread, so that a busy cell does not stop it."""

    def __init__(self, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._running: Future[None] | None = None

    def run(self, wanted: bool) -> None:
        """Start or stop the calls; harmless to repeat. Callable from any thread."""
        if wanted and self._running is None:
            self._running = io_thread().run(self._tick_repeatedly())
        elif not wanted and self._running is not None:
            self._running.cancel()
            self._running = None

    async def _tick_repeatedly(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._tick()
