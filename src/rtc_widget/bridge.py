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
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, Protocol, TypeVar

from rtc_widget import protocol
from rtc_widget.awaiting import hears_during_cells, silence
from rtc_widget.call_desk import CallDesk
from rtc_widget.errors import PageNotFound, PageTimeout, RtcWidgetError, error_from_wire
from rtc_widget.heartbeat import Heartbeat
from rtc_widget.inbox import Inbox
from rtc_widget.main_loop import MainLoop
from rtc_widget.media_desk import MediaDesk
from rtc_widget.page_clock import PageClock
from rtc_widget.protocol import FromPage, Message, PageState, Reply, RequestKind, WireEvent

logger = logging.getLogger("rtc_widget")

PAGE_SECONDS = 10.0
"""How long to wait for a first page, and for a sign of life after a request."""
REPLY_GRACE_SECONDS = 2.0
"""How much longer a reply may take that a busy cell may have held up."""
STATE_SECONDS = 2.0
"""How long a reply waits for a state that it has overtaken."""
HOLDER_SECONDS = 3.0
"""How long a page that holds a call may take to answer when it is asked whether it is still there."""
SILENT_SECONDS = 20.0
"""After so long without a word the page that holds a call is asked."""

T = TypeVar("T")


class Listener(Protocol):
    """What the widget is told; always on the main loop, in the order in which the page said it."""

    def page_state(self, attempt: str | None, resumes: bool, state: PageState) -> None:
        """The page that counts has a new state."""

    def page_events(self, attempt: str | None, events: tuple[WireEvent, ...], offset_ms: float) -> None:
        """Events have arrived, each exactly once; `offset_ms` brings their times to the kernel's clock."""

    def call_made(self, attempt: str, call_id: str | None) -> None:
        """The exchange has brought an answer."""

    def recall(self, first: int) -> Mapping[str, object]:
        """A page asks what was said before it was there."""
        ...

    def page_lost(self) -> None:
        """The page that held the call has vanished."""


@dataclass(slots=True)
class _Page:
    inbox: Inbox
    clock: PageClock = field(default_factory=PageClock)
    seq: int = 0
    attempt: str | None = None
    active: bool = False
    heard: float = field(default_factory=time.monotonic)


class Bridge:
    """Connects one widget with its pages.

    Parameters
    ----------
    send : callable
        Sends one message to all pages; callable from any thread.
    desk : CallDesk
        Makes and ends calls.
    media : MediaDesk
        Takes in sound and statistics, gives out clips.
    listener : Listener
        Told what the pages say.
    main : MainLoop
        Where the listener is called.
    """

    def __init__(
        self,
        send: Callable[[Message], None],
        desk: CallDesk,
        media: MediaDesk,
        listener: Listener,
        main: MainLoop,
    ) -> None:
        self._send = send
        self._desk = desk
        self._media = media
        self._listener = listener
        self._main = main
        # Reentrant: without a loop the listener is called while it is held.
        self._lock = RLock()
        self._pages: dict[str, _Page] = {}
        self._newest: str | None = None
        self._numbers = itertools.count(1)
        self._pending: dict[str, Callable[[Reply], None]] = {}
        self._awaiting_page: list[Callable[[], None]] = []
        self._heart = Heartbeat(self._beat)

    def close(self) -> None:
        """Give no more signs of life."""
        self._heart.run(False)

    def receive(self, content: object) -> None:
        """Take in a message of a page; safe on any thread, never raises."""
        try:
            message = protocol.decode(content)
        except protocol.MalformedMessage as error:
            logger.warning("A message of the page was not understood: %s", error)
            return
        with self._lock:
            page = self._pages.setdefault(message.page, _Page(Inbox(message.page)))
            page.heard = time.monotonic()
        self._dispatch(message, page)

    async def request(self, kind: RequestKind, *, timeout: float, **fields: object) -> Mapping[str, Any]:
        """Ask the current page to do something and return its result.

        Raises
        ------
        PageNotFound
            If there is no page within ten seconds.
        PageTimeout, AwaitNotPossible
            If it does not answer in time, or gives no sign of life.
        RtcWidgetError
            What the page answered.
        """
        deadline = time.monotonic() + timeout
        page = await self._current_page(min(timeout, PAGE_SECONDS))
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Reply] = loop.create_future()

        def wake(reply: Reply) -> None:
            loop.call_soon_threadsafe(_settle, answered, reply)

        sent = time.monotonic()
        id = self._post(kind, page, wake, fields)
        try:
            while not answered.done():
                now = time.monotonic()
                if now >= deadline:
                    raise PageTimeout(f"The page did not {kind} within {timeout:g} s.")
                if self._pages[page].heard < sent and now >= sent + PAGE_SECONDS:
                    raise silence(PAGE_SECONDS)
                await asyncio.wait([answered], timeout=min(deadline - now, 1.0))
        finally:
            self._pending.pop(id, None)
        reply = answered.result()
        await self._state_of(page, reply.seq)
        if reply.error is not None:
            raise error_from_wire(reply.error)
        return reply.result or {}

    async def _state_of(self, page: str, seq: int) -> None:
        """Wait until the state that the page had reported before is in the traits.

        On two threads, a reply can overtake it; then a cell would go on with the traits of yesterday.
        """
        deadline = time.monotonic() + STATE_SECONDS
        while self._pages[page].seq < seq and time.monotonic() < deadline:  # noqa: ASYNC110 - set on any thread
            await asyncio.sleep(0.005)
        # Whoever raised `seq` has put the traits' assignment on this loop already: let it happen first.
        await asyncio.sleep(0)

    def post(self, kind: RequestKind, failed: Callable[[RtcWidgetError], None], **fields: object) -> None:
        """Ask the current page to do something without waiting; `failed` is called, on the main loop, if it does not.

        Raises
        ------
        PageNotFound
            If no page has ever said hello.
        """
        page = self._current()
        if page is None:
            raise PageNotFound("No page shows this widget.")

        def done(reply: Reply) -> None:
            self._pending.pop(reply.id, None)
            if reply.error is not None:
                self._main.call(failed, error_from_wire(reply.error))

        id = self._post(kind, page, done, fields)
        self._main.call(self._expire, id, kind, failed)

    def _expire(self, id: str, kind: RequestKind, failed: Callable[[RtcWidgetError], None]) -> None:
        """Report a request that nobody has answered; nothing may vanish."""

        def give_up() -> None:
            if self._pending.pop(id, None) is not None:
                failed(PageTimeout(f"The page has not confirmed the {kind!r} within {PAGE_SECONDS:g} s."))

        # The second, short wait: a cell that held up the loop may have held up the reply, too.
        self._main.call_later(PAGE_SECONDS, lambda: self._main.call_later(REPLY_GRACE_SECONDS, give_up))

    def _post(self, kind: RequestKind, page: str, done: Callable[[Reply], None], fields: Mapping[str, object]) -> str:
        id = f"k:{next(self._numbers)}"
        self._pending[id] = done
        self._send(protocol.request(kind, page, id, **fields))
        return id

    def _dispatch(self, message: FromPage, page: _Page) -> None:
        match message:
            case protocol.Hello():
                self._greet(message)
            case protocol.State():
                self._take_state(message, page)
            case protocol.Events():
                # Taken in and handed over in one step: two threads must not swap two batches in between.
                with self._lock:
                    intake = page.inbox.take(message)
                    if intake.events:
                        offset_ms = page.clock.offset_ms
                        self._main.call(self._listener.page_events, message.attempt, intake.events, offset_ms)
                self._send(intake.answer)
            case protocol.Prepare(page=name, id=id):
                self._desk.prepare(lambda outcome: self._answer(name, id, outcome))
            case protocol.Exchange(page=name, id=id, attempt=attempt, sdp=sdp):
                self._desk.exchange(attempt, sdp, lambda outcome: self._exchanged(name, id, attempt, outcome))
            case protocol.Mint(page=name, id=id, attempt=attempt):
                self._desk.mint(attempt, lambda outcome: self._answer(name, id, outcome))
            case protocol.Exchanged(attempt=attempt, call_id=call_id):
                self._desk.note_call(attempt, call_id)
                self._main.call(self._listener.call_made, attempt, call_id)
            case protocol.Recall(page=name, id=id, first=first):
                self._main.call(lambda: self._send(protocol.result(name, id, self._listener.recall(first))))
            case protocol.Audio() | protocol.Stats():
                # On whatever thread it came: a loop that is busy must not gather an hour of sound.
                self._send(self._media.take(message))
            case protocol.Clip(page=name, id=id, clip=clip, first=first):
                self._answer(name, id, self._media.part(clip, first))
            case protocol.Alive(time_ms=time_ms):
                page.clock.answered(time_ms)
            case protocol.HangUp(attempt=attempt):
                self._desk.hang_up(attempt)
            case protocol.Reply(id=id):
                done = self._pending.get(id)
                if done is not None:
                    done(message)

    def _greet(self, hello: protocol.Hello) -> None:
        with self._lock:
            holder = self._holder()
            self._newest = hello.page
            waiting, self._awaiting_page = self._awaiting_page, []
        self._send(protocol.welcome(hello.page))
        self._ask_for_life(hello.page)
        self._desk.warm_up()
        for wake in waiting:
            wake()
        if holder is not None and holder != hello.page and self._main.running is not None:
            self._main.call(self._check_holder, holder)

    def _beat(self) -> None:
        """Tell the page with the call that the kernel is there, and see that the page is."""
        self._main.settle()
        with self._lock:
            holder = self._holder()
            silent = holder is not None and time.monotonic() - self._pages[holder].heard > SILENT_SECONDS
        if holder is None:
            return
        self._ask_for_life(holder)
        if silent and self._main.running is not None and hears_during_cells():
            self._main.call(self._check_holder, holder)

    def _ask_for_life(self, page: str) -> None:
        self._pages[page].clock.asked()
        self._send(protocol.alive(page))

    def _check_holder(self, holder: str) -> None:
        """Ask the page with the call for its state; a page that was reloaded or closed does not answer."""
        asked = time.monotonic()
        self._send(protocol.welcome(holder))
        asyncio.get_running_loop().call_later(HOLDER_SECONDS, self._forget_silent, holder, asked)

    def _forget_silent(self, holder: str, asked: float) -> None:
        if time.monotonic() - asked > HOLDER_SECONDS + 1:
            # A cell held up the loop; the answer may wait behind it.
            self._check_holder(holder)
            return
        with self._lock:
            page = self._pages[holder]
            if page.heard >= asked or not page.active:
                return
            page.active = False
        if page.attempt is not None:
            self._desk.hang_up(page.attempt)
        self._listener.page_lost()

    def _take_state(self, message: protocol.State, page: _Page) -> None:
        if message.attempt is not None:
            # Not by way of the main loop: sound of this attempt may come before that has its turn.
            self._media.note_attempt(message.attempt, resumes=message.resumes)
        with self._lock:
            if message.seq <= page.seq:
                return
            counts = self._current() in (None, message.page)
            page.seq, page.attempt = message.seq, message.attempt
            page.active = message.state.status in ("connecting", "connected", "reconnecting")
            self._heart.run(self._holder() is not None)
            if not counts and not page.active:
                return
            self._main.call(self._listener.page_state, message.attempt, message.resumes, message.state)

    def _exchanged(self, page: str, id: str, attempt: str, outcome: dict[str, Any] | RtcWidgetError) -> None:
        if isinstance(outcome, dict):
            self._main.call(self._listener.call_made, attempt, outcome["call_id"])
        self._answer(page, id, outcome)

    def _answer(self, page: str, id: str, outcome: Mapping[str, Any] | RtcWidgetError) -> None:
        if isinstance(outcome, RtcWidgetError):
            self._send(protocol.failure(page, id, outcome.to_wire()))
        else:
            self._send(protocol.result(page, id, outcome))

    def _holder(self) -> str | None:
        return next((name for name, page in self._pages.items() if page.active), None)

    def _current(self) -> str | None:
        """The page that holds a call, else the one that came last."""
        return self._holder() or self._newest

    async def _current_page(self, timeout: float) -> str:
        page = self._current()
        if page is not None:
            return page
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            loop.call_soon_threadsafe(_settle, arrived, None)

        self._awaiting_page.append(wake)
        await asyncio.wait([arrived], timeout=timeout)
        page = self._current()
        if page is None:
            raise PageNotFound(f"No page has shown this widget within {timeout:g} s.")
        return page


def _settle(future: asyncio.Future[T], value: T) -> None:
    if not future.done():
        future.set_result(value)
