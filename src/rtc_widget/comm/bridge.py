"""The kernel's end of the messages: pages come and go, requests get replies, events arrive in order.

What the messages are about is the affair of a `BridgeOwner`: `rtc_widget.comm.call_messages` for voice calls,
`rtc_widget.peers.messages` for peer connections. `receive` may run on the main thread or on a subshell's (ipykernel 7).
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from rtc_widget.comm import messages, protocol
from rtc_widget.comm.decoding import MalformedMessage
from rtc_widget.comm.find_page import PageFinder
from rtc_widget.comm.known_page import Batch
from rtc_widget.comm.liveness import Heartbeat, Liveness
from rtc_widget.comm.message_collector import MessageCollector
from rtc_widget.comm.messages import FromPage, Reply
from rtc_widget.comm.page_registry import KnownPage, PageRegistry
from rtc_widget.comm.protocol import Message, RequestKind
from rtc_widget.comm.step_lock import StepLock
from rtc_widget.errors import PageNotFound, PageTimeout, RtcWidgetError, WidgetClosed, error_from_wire
from rtc_widget.kernel.ipykernel import no_reply_error
from rtc_widget.kernel.main_loop import MainLoop

logger = logging.getLogger("rtc_widget")

PAGE_SECONDS = 10.0
"""How long to wait for a first page, and for any message of the page after a request."""
REPLY_GRACE_SECONDS = 2.0
"""How much longer a reply may take, since a busy cell may have delayed it."""
STATE_SECONDS = 5.0
"""How long a reply waits for an earlier state that arrives after it."""

T = TypeVar("T")


class BridgeOwner(Protocol):
    """What the messages are about, such as a call that one page holds; called on the thread of each message."""

    def receive(self, message: FromPage, page: KnownPage) -> None:
        """Process a message of a type that the bridge itself does not know."""

    def page_came(self, page: KnownPage) -> None:
        """A page has said hello."""

    def state_changed(self, state: Any) -> None:
        """The widget has a new state; called under the lock, so that no older one follows."""

    def active_page_left(self) -> None:
        """The page that held something is gone, and no other page holds anything; called under the lock."""

    def page_left(self, page: KnownPage) -> None:
        """A page that held something is gone."""

    def seq(self, page: KnownPage) -> int:
        """Return how far this page's reports have arrived: a reply waits for those that were sent before it."""
        ...


class Bridge:
    """Connects one widget with its pages.

    `owner` must be set before the first message.

    Parameters
    ----------
    send : callable
        Sends one message to all pages; callable from any thread.
    main : MainLoop
        The loop on which failures are reported.
    await_hint : str, optional
        What to do where a cell keeps the page's messages away. Default: to split the cell in two.
    """

    owner: BridgeOwner

    def __init__(self, send: Callable[[Message], None], main: MainLoop, *, await_hint: str | None = None) -> None:
        self._collector = MessageCollector(send)
        self.send = self._collector.send
        self._await_hint = await_hint
        self._main = main
        self._lock = StepLock(main)
        self._is_closed = False
        self._pages = PageRegistry()
        self._numbers = itertools.count(1)
        self._pending: dict[str, Callable[[Reply], None]] = {}
        self._liveness = Liveness(self._pages, self._lock, self.send, main, self)
        self._finder = PageFinder(self._pages, self._lock, self._liveness.ping)
        self._heartbeat = Heartbeat(self._liveness.tick)

    def close(self) -> None:
        """Stop the pings, and fail the requests that wait; harmless to repeat."""
        with self._lock:
            self._is_closed = True
            self._heartbeat.run(False)
            # No replies come any more, and `post` must not report that to the user who closed the widget.
            self._pending.clear()
        self._finder.wake()

    @property
    def has_page(self) -> bool:
        """Whether there is a page to send requests to."""
        return self._pages.current is not None

    def drop_active_page(self) -> None:
        """Treat the active page as gone, since it does not respond."""
        self._liveness.drop_active_page()

    def receive(self, content: object) -> None:
        """Process a message of a page; safe on any thread. A malformed message is logged and ignored."""
        try:
            message = protocol.decode(content)
        except MalformedMessage as error:
            logger.warning("A message of the page is malformed and was ignored: %s", error)
            return
        with self._lock:
            page = self._pages.touch(message.page)
        self._dispatch(message, page)

    async def request(
        self,
        kind: RequestKind,
        *,
        timeout: float,
        pauses: Callable[[], bool] = lambda: False,
        cancels: bool = False,
        **fields: object,
    ) -> Mapping[str, Any]:
        """Send a request to the current page and return its result.

        With `cancels`, the page is told when the caller stops waiting: on a cancellation or timeout.

        While `pauses` returns True, the time does not count: `timeout` begins again afterwards. If the page sends no
        message at all and another page lives, the request goes to that page.

        Raises
        ------
        WidgetClosed
            If the widget is closed, before the request or during it.
        PageNotFound
            If no page appears within ten seconds, or the page leaves.
        PageTimeout, AwaitUnsupported
            If it does not reply in time, or sends no message at all.
        RtcWidgetError
            The error that the page replied.
        """
        self._require_open()
        deadline = time.monotonic() + timeout
        try:
            page = await self._finder.page(min(timeout, PAGE_SECONDS))
        except PageNotFound:
            self._require_open()
            raise
        loop = asyncio.get_running_loop()
        replied: asyncio.Future[Reply] = loop.create_future()

        def wake(reply: Reply) -> None:
            loop.call_soon_threadsafe(_settle, replied, reply)

        sent = time.monotonic()
        id = self._post(kind, page, wake, fields)
        try:
            while not replied.done():
                self._require_open()
                now = time.monotonic()
                if pauses():
                    deadline = now + timeout
                if now >= deadline:
                    raise PageTimeout(f"The page did not complete {kind!r} within {timeout:g} s.")
                if page.gone:
                    raise PageNotFound(f"The page left before it completed {kind!r}.")
                if page.heard_at < sent and now >= sent + PAGE_SECONDS:
                    if page.holds or len(self._pages.living) < 2:
                        raise no_reply_error(PAGE_SECONDS, self._await_hint)
                    self._liveness.page_left(page)
                    return await self.request(kind, timeout=deadline - now, pauses=pauses, cancels=cancels, **fields)
                await asyncio.wait([replied], timeout=min(deadline - now, 1.0))
            reply = replied.result()
            await self._state_of(page, reply.seq)
        except BaseException:
            if cancels and not self._is_closed and not page.gone:
                self.send(protocol.cancel(page.name, id))
            raise
        finally:
            self._pending.pop(id, None)
        if reply.error is not None:
            raise error_from_wire(reply.error)
        return reply.result or {}

    async def _state_of(self, page: KnownPage, seq: int) -> None:
        """Wait until the traits have the state that the page sent before its reply.

        On two threads the reply can overtake the state; the cell would then read old traits.
        """
        deadline = time.monotonic() + STATE_SECONDS
        while self.owner.seq(page) < seq and time.monotonic() < deadline:  # noqa: ASYNC110 - set on any thread
            await asyncio.sleep(0.005)
        # The thread that sets `seq` holds the lock until the assignment of the traits is queued on this loop.
        with self._lock:
            pass
        await asyncio.sleep(0)

    def post(
        self,
        kind: RequestKind,
        failed: Callable[[RtcWidgetError], None],
        *,
        settled: Callable[[], None] = lambda: None,
        **fields: object,
    ) -> None:
        """Send a request to the current page without waiting; `failed` is called on the main loop if it fails.

        `settled` is called once, on any thread, when the page has replied or will not any more.

        Raises
        ------
        WidgetClosed
            If the widget is closed.
        PageNotFound
            If no page has appeared so far.
        """
        self._require_open()
        page = self._pages.current
        if page is None:
            raise PageNotFound("No page displays this widget.")

        def done(reply: Reply) -> None:
            if self._pending.pop(reply.id, None) is not None:
                settled()
            if reply.error is not None:
                self._main.call(failed, error_from_wire(reply.error))

        id = self._post(kind, page, done, fields)
        self._main.call(self._expire, id, kind, page, failed, settled)

    def _require_open(self) -> None:
        if self._is_closed:
            raise WidgetClosed("This widget is closed.")

    def _expire(
        self,
        id: str,
        kind: RequestKind,
        page: KnownPage,
        failed: Callable[[RtcWidgetError], None],
        settled: Callable[[], None],
    ) -> None:
        """Report a request that got no reply."""

        def give_up() -> None:
            confirms = not page.gone and time.monotonic() - page.replied_at < PAGE_SECONDS
            if id in self._pending and confirms:
                # It confirms in turn, and earlier requests are still on their way.
                self._main.call_later(PAGE_SECONDS, give_up)
            elif self._pending.pop(id, None) is not None:
                settled()
                failed(PageTimeout(f"The page did not confirm {kind!r} within {PAGE_SECONDS:g} s."))

        # Wait twice: a cell that blocked the loop may have delayed the reply as well.
        self._main.call_later(PAGE_SECONDS, lambda: self._main.call_later(REPLY_GRACE_SECONDS, give_up))

    def _post(
        self, kind: RequestKind, page: KnownPage, done: Callable[[Reply], None], fields: Mapping[str, object]
    ) -> str:
        id = f"k:{next(self._numbers)}"
        self._pending[id] = done
        self.send(protocol.request(kind, page.name, id, **fields))
        return id

    def ask(self, kind: RequestKind, page: KnownPage, done: Callable[[], None], **fields: object) -> None:
        """Send a request to one page; `done` is called once it has replied, on any thread."""

        def replied(reply: Reply) -> None:
            if self._pending.pop(reply.id, None):
                done()

        self._post(kind, page, replied, fields)

    def reply(self, page: str, id: str, outcome: Mapping[str, Any] | RtcWidgetError) -> None:
        """Reply to a request of a page."""
        if isinstance(outcome, RtcWidgetError):
            self.send(protocol.failure(page, id, outcome.to_wire()))
        else:
            self.send(protocol.result(page, id, outcome))

    def take_state(self, page: KnownPage, seq: int, state: Any, *, holds: bool) -> None:
        """Record a page's state and whether it holds something; the owner is told if the widget's state changes."""
        with self._lock:
            shown = self._pages.take_state(page, seq, state, holds=holds)
            self._heartbeat.run(self._pages.active_page is not None and not self._is_closed)
            if shown is not None:
                self.owner.state_changed(shown)

    def take_events(self, page: KnownPage, batch: Batch[T], deliver: Callable[[tuple[T, ...]], None]) -> None:
        """Receive numbered events: deliver the new ones in order, and acknowledge them or request missing ones."""
        # One step under the lock: two threads must not swap two batches.
        with self._lock:
            received = page.receiver.take(batch)
            if received.events:
                deliver(received.events)
        self.send(received.reply)

    @property
    def active_page(self) -> KnownPage | None:
        """The page that holds something."""
        with self._lock:
            return self._pages.active_page

    @property
    def followers(self) -> list[KnownPage]:
        """The pages that are not active."""
        with self._lock:
            return self._pages.followers

    def tell(self, message: Callable[[str], Message]) -> None:
        """Send a message to each page; `message` makes it from the page's name."""
        # Without the lock: the caller may hold another one.
        for page in [] if self._is_closed else self._pages.living:
            self.send(message(page.name))

    @property
    def liveness(self) -> Liveness:
        """The checks of the active page."""
        return self._liveness

    def _dispatch(self, message: FromPage, page: KnownPage) -> None:
        match message:
            case messages.Bundle(messages=contents):
                with self._collector.collecting():
                    self._receive_all(contents)
            case messages.Hello():
                self._greet(page)
            case messages.Goodbye():
                self._liveness.page_left(page)
            case messages.Pong(time_ms=time_ms):
                page.pong_at = time.monotonic()
                page.clock.record_pong(time_ms)
            case messages.Reply(id=id):
                page.replied_at = time.monotonic()
                done = self._pending.get(id)
                if done is not None:
                    done(message)
            case _:
                self.owner.receive(message, page)

    def _receive_all(self, contents: Sequence[object]) -> None:
        """Process every message, even if one fails; failures are raised at the end."""
        failures: list[Exception] = []
        for content in contents:
            try:
                self.receive(content)
            except Exception as error:  # noqa: BLE001 - raised below
                failures.append(error)
        if len(failures) == 1:
            raise failures[0]
        if failures:
            raise ExceptionGroup("Several messages of the page failed.", failures)

    def _greet(self, page: KnownPage) -> None:
        with self._lock:
            active_page = self._pages.active_page
            self._pages.greet(page)
        self.send(protocol.welcome(page.name))
        self._liveness.ping(page)
        self.owner.page_came(page)
        self._finder.wake()
        if active_page is not None and active_page is not page:
            self._liveness.check(active_page)


def _settle(future: asyncio.Future[T], value: T) -> None:
    if not future.done():
        future.set_result(value)
