"""The kernel's end of the messages: pages come and go, requests get replies, events arrive in order.

`receive` may run on the main thread or on a subshell's (ipykernel 7). It decodes a message and passes it on: to the
main loop for the notebook, to the I/O thread for a server.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from threading import RLock
from typing import Any, Protocol, TypeVar

from rtc_widget.comm import messages, protocol
from rtc_widget.comm.decoding import MalformedMessage
from rtc_widget.comm.find_page import PageFinder
from rtc_widget.comm.liveness import Heartbeat, Liveness
from rtc_widget.comm.media import MediaReceiver
from rtc_widget.comm.messages import FromPage, Reply, State, WireEvent
from rtc_widget.comm.negotiation import Negotiator
from rtc_widget.comm.page_registry import KnownPage, PageRegistry
from rtc_widget.comm.protocol import Message, RequestKind
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
FOLLOWER_SECONDS = 0.05
"""The shortest time between two `log_grew` messages to the pages that follow a call."""

T = TypeVar("T")
Done = Callable[[dict[str, Any] | RtcWidgetError], None]


class BridgeListener(Protocol):
    """Receives what the pages report; called on the main loop, in the order of the messages."""

    def page_state(self, message: State) -> None:
        """The call has a new state."""

    def page_events(self, attempt: str | None, events: tuple[WireEvent, ...], offset_ms: float) -> None:
        """Events have arrived, each exactly once; `offset_ms` converts their times to the kernel's clock."""

    def call_made(self, attempt: str, call_id: str | None) -> None:
        """The exchange has returned an answer."""

    def call_ended(self, attempt: str, heard_until_ms: float) -> None:
        """The call has ended, and its audio was heard until this time on the page's clock; may be repeated."""

    def event_count(self) -> int:
        """Return the number of all events so far."""
        ...

    def history_page(self, request: messages.History) -> Mapping[str, object]:
        """Return the events that a page requests."""
        ...

    def page_lost(self) -> None:
        """The page with the call is gone."""


class Bridge:
    """Connects one widget with its pages.

    Parameters
    ----------
    send : callable
        Sends one message to all pages; callable from any thread.
    negotiator : Negotiator
        Makes and ends calls.
    media : MediaReceiver
        Receives audio and statistics, and provides clips.
    listener : BridgeListener
        Receives what the pages report.
    main : MainLoop
        The loop on which the listener is called.
    """

    def __init__(
        self,
        send: Callable[[Message], None],
        negotiator: Negotiator,
        media: MediaReceiver,
        listener: BridgeListener,
        main: MainLoop,
    ) -> None:
        self._send = send
        self._negotiator = negotiator
        self._media = media
        self._listener = listener
        self._main = main
        # Reentrant: without a loop the listener is called under the lock.
        self._lock = RLock()
        self._is_closed = False
        self._pages = PageRegistry()
        self._numbers = itertools.count(1)
        self._pending: dict[str, Callable[[Reply], None]] = {}
        self._next_notice = 0.0
        self._liveness = Liveness(self._pages, self._lock, send, negotiator, main, listener)
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
        """Treat the page with the call as gone, since it does not respond."""
        self._liveness.drop_active_page()

    def receive(self, content: object) -> None:
        """Process a message of a page; safe on any thread, never raises."""
        try:
            message = protocol.decode(content)
        except MalformedMessage as error:
            logger.warning("A message of the page is malformed and was ignored: %s", error)
            return
        with self._lock:
            page = self._pages.touch(message.page)
        self._dispatch(message, page)

    async def request(
        self, kind: RequestKind, *, timeout: float, pauses: Callable[[], bool] = lambda: False, **fields: object
    ) -> Mapping[str, Any]:
        """Send a request to the current page and return its result.

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
                    if page.is_calling or len(self._pages.living) < 2:
                        raise no_reply_error(PAGE_SECONDS)
                    self._liveness.page_left(page)
                    return await self.request(kind, timeout=deadline - now, pauses=pauses, **fields)
                await asyncio.wait([replied], timeout=min(deadline - now, 1.0))
        finally:
            self._pending.pop(id, None)
        reply = replied.result()
        await self._state_of(page, reply.seq)
        if reply.error is not None:
            raise error_from_wire(reply.error)
        return reply.result or {}

    async def _state_of(self, page: KnownPage, seq: int) -> None:
        """Wait until the traits have the state that the page sent before its reply.

        On two threads the reply can overtake the state; the cell would then read old traits.
        """
        deadline = time.monotonic() + STATE_SECONDS
        while page.seq < seq and time.monotonic() < deadline:  # noqa: ASYNC110 - set on any thread
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
        self._send(protocol.request(kind, page.name, id, **fields))
        return id

    def _dispatch(self, message: FromPage, page: KnownPage) -> None:
        match message:
            case messages.Hello():
                self._greet(page)
            case messages.Goodbye():
                self._liveness.page_left(page)
            case messages.State():
                self._take_state(message, page)
            case messages.Events():
                # One step under the lock: two threads must not swap two batches.
                with self._lock:
                    received = page.receiver.take(message)
                    if received.events:
                        offset_ms = page.clock.offset_ms
                        self._main.call(self._listener.page_events, message.attempt, received.events, offset_ms)
                        self._main.call(self._notify_followers)
                self._send(received.reply)
            case messages.Prepare(page=name, id=id):
                self._negotiator.prepare(lambda outcome: self._reply(name, id, outcome))
            case messages.Exchange(page=name, id=id, attempt=attempt, sdp=sdp):
                answer: Done = lambda outcome: self._exchanged(name, id, attempt, outcome)  # noqa: E731
                self._take_over(page, lambda: self._negotiator.exchange(attempt, sdp, answer))
            case messages.Renegotiate(page=name, id=id, attempt=attempt, sdp=sdp):
                self._negotiator.renegotiate(attempt, sdp, lambda outcome: self._reply(name, id, outcome))
            case messages.CreateClientSecret(page=name, id=id, attempt=attempt):
                given: Done = lambda outcome: self._reply(name, id, outcome)  # noqa: E731
                self._take_over(page, lambda: self._negotiator.create_client_secret(attempt, given))
            case messages.Exchanged(attempt=attempt, call_id=call_id):
                self._negotiator.record_call(attempt, call_id)
                self._main.call(self._listener.call_made, attempt, call_id)
            case messages.History(page=name, id=id):
                self._main.call(lambda: self._send(protocol.result(name, id, self._listener.history_page(message))))
            case messages.Audio() | messages.Stats():
                # On the thread that received it: a busy loop must not collect an hour of audio.
                self._send(self._media.take(message))
            case messages.Clip(page=name, id=id, clip=clip, first=first):
                self._reply(name, id, self._media.part(clip, first))
            case messages.Pong(time_ms=time_ms):
                page.pong_at = time.monotonic()
                page.clock.record_pong(time_ms)
            case messages.HangUp(attempt=attempt):
                self._negotiator.hang_up(attempt)
            case messages.Reply(id=id):
                page.replied_at = time.monotonic()
                done = self._pending.get(id)
                if done is not None:
                    done(message)

    def _greet(self, page: KnownPage) -> None:
        with self._lock:
            active_page = self._pages.active_page
            self._pages.greet(page)
        self._send(protocol.welcome(page.name))
        self._liveness.ping(page)
        self._negotiator.warm_up()
        self._finder.wake()
        if active_page is not None and active_page is not page:
            self._liveness.check(active_page)

    def _take_over(self, page: KnownPage, call: Callable[[], None]) -> None:
        """Make a call for a page, after any other page has released its call."""
        with self._lock:
            active_page = self._pages.active_page
        if active_page is None or active_page is page:
            call()
            return
        released: Future[None] = Future()

        def done(reply: Reply) -> None:
            if self._pending.pop(reply.id, None) and not released.done():
                released.set_result(None)

        self._post("release_call", active_page, done, {})
        self._liveness.call_after_release(active_page, released, call)

    def _notify_followers(self) -> None:
        """Report new events to the pages that follow the call, not too often."""
        now = time.monotonic()
        # The notice that is scheduled covers later events too.
        if now < self._next_notice or not self._pages.followers:
            return
        self._next_notice = now + FOLLOWER_SECONDS

        def notify() -> None:
            with self._lock:
                followers = self._pages.followers
            for page in followers:
                self._send(protocol.log_grew(page.name, self._listener.event_count()))

        if self._main.running is None:
            notify()
        else:
            self._main.call_later(FOLLOWER_SECONDS, notify)

    def _take_state(self, message: State, page: KnownPage) -> None:
        if message.attempt is not None:
            # Not through the main loop: audio of this attempt may arrive before its turn.
            self._media.record_attempt(message.attempt, resumes=message.resumes)
            if message.heard_until_ms is not None:
                # Even if another page has the call by now, and the traits do not show this state.
                self._main.call(self._listener.call_ended, message.attempt, message.heard_until_ms)
                self._notify_followers()
        with self._lock:
            state = self._pages.take_state(page, message)
            self._heartbeat.run(self._pages.active_page is not None and not self._is_closed)
            if state is not None:
                self._main.call(self._listener.page_state, state)

    def _exchanged(self, page: str, id: str, attempt: str, outcome: dict[str, Any] | RtcWidgetError) -> None:
        if isinstance(outcome, dict):
            self._main.call(self._listener.call_made, attempt, outcome["call_id"])
        self._reply(page, id, outcome)

    def _reply(self, page: str, id: str, outcome: Mapping[str, Any] | RtcWidgetError) -> None:
        if isinstance(outcome, RtcWidgetError):
            self._send(protocol.failure(page, id, outcome.to_wire()))
        else:
            self._send(protocol.result(page, id, outcome))


def _settle(future: asyncio.Future[T], value: T) -> None:
    if not future.done():
        future.set_result(value)
