"""The messages about calls: passes what pages report and request to the parts of a voice call."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol

from rtc_widget.comm import messages, protocol
from rtc_widget.comm.bridge import Bridge
from rtc_widget.comm.media import ClipOffers, MediaReceiver
from rtc_widget.comm.messages import FromPage, State, WireEvent
from rtc_widget.comm.negotiation import Negotiator
from rtc_widget.comm.page_registry import KnownPage
from rtc_widget.errors import RtcWidgetError
from rtc_widget.kernel.main_loop import MainLoop
from rtc_widget.sdp.explained_lines import explained_lines

FOLLOWER_SECONDS = 0.05
"""The shortest time between two `log_grew` messages to the pages that follow a call."""

_CALLING = ("connecting", "connected", "reconnecting")

Done = Callable[[dict[str, Any] | RtcWidgetError], None]


class CallMessageListener(Protocol):
    """Receives what the pages report; called on the main loop, in the order of the messages."""

    def page_state(self, message: State) -> None:
        """The call has a new state."""

    def page_events(self, attempt: str | None, events: tuple[WireEvent, ...], offset_ms: float) -> None:
        """Events have arrived, each exactly once; `offset_ms` converts their times to the kernel's clock."""

    def page_sound(self, sound: messages.Sound, offset_ms: float) -> None:
        """The audio of one side has become audible or silent, as the page measured it; offset as for events."""

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


class PageRequestListener(Protocol):
    """Does what a person asks for in a page; called on the main loop. `done` gets ``{}`` or the error."""

    def update_session(self, settings: Mapping[str, Any], done: Done) -> None:
        """Change settings of the session."""

    def change_settings(self, text_interrupts: bool, done: Done) -> None:
        """Change settings of the widget."""


class CallMessages:
    """Processes the messages about the calls of one widget.

    It passes them on: to the main loop for the notebook, to the I/O thread for a server.

    Parameters
    ----------
    bridge : Bridge
        The way to the pages.
    negotiator : Negotiator
        Makes and ends calls.
    media : MediaReceiver
        Receives audio and statistics.
    clips : ClipOffers
        Provides clips.
    listener : CallMessageListener
        Receives what the pages report.
    requests : PageRequestListener
        Does what a person asks for in a page.
    main : MainLoop
        The loop on which both are called.
    report_listening : callable
        Passes to its argument whether somebody in Python waits for events or listens to them. While it runs, no
        other thread tells the pages of a change.
    """

    def __init__(
        self,
        bridge: Bridge,
        negotiator: Negotiator,
        media: MediaReceiver,
        clips: ClipOffers,
        listener: CallMessageListener,
        requests: PageRequestListener,
        main: MainLoop,
        report_listening: Callable[[Callable[[bool], None]], None],
    ) -> None:
        self._bridge = bridge
        self._report_listening = report_listening
        self._negotiator = negotiator
        self._media = media
        self._clips = clips
        self._listener = listener
        self._requests = requests
        self._main = main
        self._next_notice = 0.0
        self._made: tuple[str, str | None] | None = None
        """The call whose id is being reported, by the I/O thread."""

    def receive(self, message: FromPage, page: KnownPage) -> None:
        """Process a message about a call."""
        match message:
            case messages.State():
                self._take_state(message, page)
            case messages.Events():
                self._bridge.take_events(page, message, partial(self._deliver, message.attempt, page))
            case messages.Prepare(page=name, id=id, attempt=attempt):
                self._negotiator.prepare(attempt, partial(self._bridge.reply, name, id))
            case messages.Exchange(page=name, id=id, attempt=attempt, sdp=sdp, preparation=version):
                answer: Done = partial(self._exchanged, name, id, attempt)
                self._take_over(page, lambda: self._negotiator.exchange(attempt, sdp, answer, version))
            case messages.Renegotiate(page=name, id=id, attempt=attempt, sdp=sdp):
                self._negotiator.renegotiate(attempt, sdp, partial(self._bridge.reply, name, id))
            case messages.CreateClientSecret(page=name, id=id, attempt=attempt):
                given: Done = partial(self._bridge.reply, name, id)
                self._take_over(page, lambda: self._negotiator.create_client_secret(attempt, given))
            case messages.Exchanged(attempt=attempt, call_id=call_id):
                self._negotiator.record_call(attempt, call_id)
                self._main.call(self._listener.call_made, attempt, call_id)
            case messages.History(page=name, id=id):
                self._main.call(lambda: self._bridge.reply(name, id, self._listener.history_page(message)))
            case messages.ExplainSdp(page=name, id=id, sdp=sdp):
                self._bridge.reply(name, id, {"lines": explained_lines(sdp)})
            case messages.Audio() | messages.Stats():
                # On the thread that received it: a busy loop must not collect an hour of audio.
                self._bridge.send(self._media.take(message))
            case messages.Sound():
                self._main.call(self._listener.page_sound, message, page.clock.offset_ms)
            case messages.Clip(page=name, id=id, clip=clip, first=first):
                self._bridge.reply(name, id, self._clips.part(clip, first))
            case messages.UpdateSession(page=name, id=id, settings=settings):
                self._main.call(self._requests.update_session, settings, partial(self._bridge.reply, name, id))
            case messages.ChangeSettings(page=name, id=id, text_interrupts=text_interrupts):
                done: Done = partial(self._bridge.reply, name, id)
                self._main.call(self._requests.change_settings, text_interrupts, done)
            case messages.ExpectCall():
                self._negotiator.expect_call()
            case messages.HangUp(attempt=attempt):
                self._negotiator.hang_up(attempt)

    def page_came(self, page: KnownPage) -> None:
        """Start a server that starts slowly, and tell the page what it needs to know."""
        self._report_listening(lambda on: self._bridge.send(protocol.listening(page.name, on=on)))
        self._negotiator.warm_up()
        self._negotiator.describe(partial(self._tell_preparation, page))

    def _tell_preparation(self, page: KnownPage, known: Mapping[str, Any]) -> None:
        # A page greets again at each click, and has mostly been told already.
        if page.preparation != known["version"]:
            self._bridge.send(protocol.preparation(page.name, known))
            page.preparation = known["version"]

    def state_changed(self, state: State) -> None:
        """Report the state of the call."""
        # A call that stands has its id, also where the thread that got the answer is held up after it has replied.
        if (made := self._made) is not None:
            self._main.call(self._listener.call_made, *made)
        self._main.call(self._listener.page_state, state)

    def active_page_left(self) -> None:
        """Report the end of the call."""
        self._main.call(self._listener.page_lost)

    def page_left(self, page: KnownPage) -> None:
        """Hang up the call of a page that is gone."""
        if page.state.attempt is not None:
            self._negotiator.hang_up(page.state.attempt)

    def seq(self, page: KnownPage) -> int:
        """Return the number of the last state that a page sent."""
        return page.seq

    def _deliver(self, attempt: str | None, page: KnownPage, events: tuple[WireEvent, ...]) -> None:
        self._main.call(self._listener.page_events, attempt, events, page.clock.offset_ms)
        self._main.call(self._notify_followers)

    def _take_over(self, page: KnownPage, call: Callable[[], None]) -> None:
        """Make a call for a page, after any other page has released its call."""
        active_page = self._bridge.active_page
        if active_page is None or active_page is page:
            call()
            return
        released: Future[None] = Future()

        def done() -> None:
            if not released.done():
                released.set_result(None)

        self._bridge.ask("release_call", active_page, done)
        self._bridge.liveness.call_after_release(active_page, released, call)

    def _notify_followers(self) -> None:
        """Report new events to the pages that follow the call, not too often."""
        now = time.monotonic()
        # The notice that is scheduled covers later events too.
        if now < self._next_notice or not self._bridge.followers:
            return
        self._next_notice = now + FOLLOWER_SECONDS

        def notify() -> None:
            for page in self._bridge.followers:
                self._bridge.send(protocol.log_grew(page.name, self._listener.event_count()))

        if self._main.running is None:
            notify()
        else:
            self._main.call_later(FOLLOWER_SECONDS, notify)

    def _take_state(self, message: State, page: KnownPage) -> None:
        if message.attempt is not None:
            # Not through the main loop: audio of this attempt may arrive before its turn.
            self._media.record_attempt(message.attempt, resumes=message.resumes)
            self._negotiator.record_attempt(message.attempt, resumes=message.resumes)
            if message.heard_until_ms is not None:
                # Even if another page has the call by now, and the traits do not show this state.
                self._main.call(self._listener.call_ended, message.attempt, message.heard_until_ms)
                self._notify_followers()
        self._bridge.take_state(page, message.seq, message, holds=message.state.status in _CALLING)

    def _exchanged(self, page: str, id: str, attempt: str, outcome: dict[str, Any] | RtcWidgetError) -> None:
        if isinstance(outcome, RtcWidgetError) or "call_id" not in outcome:
            self._bridge.reply(page, id, outcome)
            return
        self._made = made = (attempt, outcome["call_id"])
        try:
            self._bridge.reply(page, id, outcome)  # first: a person waits for it
        finally:
            self._main.call(self._listener.call_made, *made)
            self._made = None
