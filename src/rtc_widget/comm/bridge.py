"""The kernel's end of the messages: pages come and go, requests get replies, events arrive in order.

`receive` may run on the main thread or on a subshell's (ipykernel 7). It decodes and hands over: what concerns the
notebook goes to the main loop, what concerns a server goes to the I/O thread.
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

from rtc_widget.comm import messages as page_messages
from rtc_widget.comm import protocol
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
"""How long to wait for a first page, and for a sign of life after a request."""
REPLY_GRACE_SECONDS = 2.0
"""How much longer a reply may take that a busy cell may have held up."""
STATE_SECONDS = 5.0
"""How long a reply waits for a state that it has overtaken."""
FOLLOWER_SECONDS = 0.05
"""The pages that follow a call hear of new events at most so often."""

T = TypeVar("T")
Done = Callable[[dict[str, Any] | RtcWidgetError], None]


class BridgeListener(Protocol):
    """What the widget is told; always on the main loop, in the order in which the page said it."""

    def page_state(self, message: State) -> None:
        """The page that counts has a new state."""

    def page_events(self, attempt: str | None, events: tuple[WireEvent, ...], offset_ms: float) -> None:
        """Events have arrived, each exactly once; `offset_ms` brings their times to the kernel's clock."""

    def call_made(self, attempt: str, call_id: str | None) -> None:
        """The exchange has brought an answer."""

    def event_count(self) -> int:
        """How many events there have ever been."""
        ...

    def history_page(self, request: page_messages.History) -> Mapping[str, object]:
        """A page asks for events that it has not seen itself."""
        ...

    def page_lost(self) -> None:
        """The page that held the call has vanished."""


class Bridge:
    """Connects one widget with its pages.

    Parameters
    ----------
    send : callable
        Sends one message to all pages; callable from any thread.
    negotiator : Negotiator
        Makes and ends calls.
    media : MediaReceiver
        Takes in sound and statistics, gives out clips.
    listener : BridgeListener
        Told what the pages say.
    main : MainLoop
        Where the listener is called.
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
        # Reentrant: without a loop the listener is called while it is held.
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
        """Give no more signs of life, and ask the pages for nothing any more; harmless to repeat."""
        with self._lock:
            self._is_closed = True
            self._heartbeat.run(False)
            # The replies will not come any more, nor is anybody to hear of it who has closed the widget.
            self._pending.clear()
        self._finder.wake()

    @property
    def has_page(self) -> bool:
        """Whether there is a page that could be asked."""
        return self._pages.current is not None

    def drop_active_page(self) -> None:
        """Take the page with the call for gone: it does not do what it is asked."""
        self._liveness.drop_active_page()

    def receive(self, content: object) -> None:
        """Take in a message of a page; safe on any thread, never raises."""
        try:
            message = protocol.decode(content)
        except MalformedMessage as error:
            logger.warning("A message of the page was not understood: %s", error)
            return
        with self._lock:
            page = self._pages.touch(message.page)
        self._dispatch(message, page)

    async def request(self, kind: RequestKind, *, timeout: float, **fields: object) -> Mapping[str, Any]:
        """Ask the current page to do something and return its result.

        Raises
        ------
        WidgetClosed
            If the widget is closed, before or meanwhile.
        PageNotFound
            If there is no page within ten seconds, or it leaves.
        PageTimeout, AwaitUnsupported
            If it does not answer in time, or gives no sign of life.
        RtcWidgetError
            What the page replied.
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
                if now >= deadline:
                    raise PageTimeout(f"The page did not {kind} within {timeout:g} s.")
                if page.gone:
                    raise PageNotFound(f"The page has left before it could {kind}.")
                if page.heard_at < sent and now >= sent + PAGE_SECONDS:
                    raise no_reply_error(PAGE_SECONDS)
                await asyncio.wait([replied], timeout=min(deadline - now, 1.0))
        finally:
            self._pending.pop(id, None)
        reply = replied.result()
        await self._state_of(page, reply.seq)
        if reply.error is not None:
            raise error_from_wire(reply.error)
        return reply.result or {}

    async def _state_of(self, page: KnownPage, seq: int) -> None:
        """Wait until the state that the page had reported before is in the traits.

        On two threads, a reply can overtake it; then a cell would go on with the traits of yesterday.
        """
        deadline = time.monotonic() + STATE_SECONDS
        while page.seq < seq and time.monotonic() < deadline:  # noqa: ASYNC110 - set on any thread
            await asyncio.sleep(0.005)
        # Whoever raises `seq` holds the lock until the traits' assignment is on this loop; then let it happen first.
        with self._lock:
            pass
        await asyncio.sleep(0)

    def post(self, kind: RequestKind, failed: Callable[[RtcWidgetError], None], **fields: object) -> None:
        """Ask the current page to do something without waiting; `failed` is called, on the main loop, if it does not.

        Raises
        ------
        WidgetClosed
            If the widget is closed.
        PageNotFound
            If no page has ever said hello.
        """
        self._require_open()
        page = self._pages.current
        if page is None:
            raise PageNotFound("No page shows this widget.")

        def done(reply: Reply) -> None:
            self._pending.pop(reply.id, None)
            if reply.error is not None:
                self._main.call(failed, error_from_wire(reply.error))

        id = self._post(kind, page, done, fields)
        self._main.call(self._expire, id, kind, failed)

    def _require_open(self) -> None:
        if self._is_closed:
            raise WidgetClosed("This widget is closed.")

    def _expire(self, id: str, kind: RequestKind, failed: Callable[[RtcWidgetError], None]) -> None:
        """Report a request that nobody has answered; nothing may vanish."""

        def give_up() -> None:
            if self._pending.pop(id, None) is not None:
                failed(PageTimeout(f"The page has not confirmed the {kind!r} within {PAGE_SECONDS:g} s."))

        # The second, short wait: a cell that held up the loop may have held up the reply, too.
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
            case page_messages.Hello():
                self._greet(page)
            case page_messages.Goodbye():
                self._liveness.page_left(page)
            case page_messages.State():
                self._take_state(message, page)
            case page_messages.Events():
                # Taken in and handed over in one step: two threads must not swap two batches in between.
                with self._lock:
                    received = page.receiver.take(message)
                    if received.events:
                        offset_ms = page.clock.offset_ms
                        self._main.call(self._listener.page_events, message.attempt, received.events, offset_ms)
                        self._main.call(self._notify_followers)
                self._send(received.reply)
            case page_messages.Prepare(page=name, id=id):
                self._negotiator.prepare(lambda outcome: self._reply(name, id, outcome))
            case page_messages.Exchange(page=name, id=id, attempt=attempt, sdp=sdp):
                answer: Done = lambda outcome: self._exchanged(name, id, attempt, outcome)  # noqa: E731
                self._take_over(page, lambda: self._negotiator.exchange(attempt, sdp, answer))
            case page_messages.Renegotiate(page=name, id=id, attempt=attempt, sdp=sdp):
                self._negotiator.renegotiate(attempt, sdp, lambda outcome: self._reply(name, id, outcome))
            case page_messages.CreateClientSecret(page=name, id=id, attempt=attempt):
                given: Done = lambda outcome: self._reply(name, id, outcome)  # noqa: E731
                self._take_over(page, lambda: self._negotiator.create_client_secret(attempt, given))
            case page_messages.Exchanged(attempt=attempt, call_id=call_id):
                self._negotiator.record_call(attempt, call_id)
                self._main.call(self._listener.call_made, attempt, call_id)
            case page_messages.History(page=name, id=id):
                self._main.call(lambda: self._send(protocol.result(name, id, self._listener.history_page(message))))
            case page_messages.Audio() | page_messages.Stats():
                # On whatever thread it came: a loop that is busy must not gather an hour of sound.
                self._send(self._media.take(message))
            case page_messages.Clip(page=name, id=id, clip=clip, first=first):
                self._reply(name, id, self._media.part(clip, first))
            case page_messages.Pong(time_ms=time_ms):
                page.pong_at = time.monotonic()
                page.clock.record_pong(time_ms)
            case page_messages.HangUp(attempt=attempt):
                self._negotiator.hang_up(attempt)
            case page_messages.Reply(id=id):
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
        """Make a call for a page; another page that has one lets go of it first."""
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
        """Tell the pages that follow the call of new events, not too often."""
        now = time.monotonic()
        # What comes before then is told of then.
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
            # Not by way of the main loop: sound of this attempt may come before that has its turn.
            self._media.record_attempt(message.attempt, resumes=message.resumes)
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
