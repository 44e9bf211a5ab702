"""Controls a page's calls: runs the state machine, makes attempts, keeps the state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol

from av import AudioFrame

from rtc_widget.comm.messages import PageState
from rtc_widget.errors import MessageTooLarge, RtcWidgetError, SendQueueFull
from rtc_widget.errors.texts import text
from rtc_widget.headless.attempt import Attempt, AttemptOptions
from rtc_widget.headless.bridge import PageBridge
from rtc_widget.headless.call_machine import IDLE, CallEvent, Phase, next_phase
from rtc_widget.headless.closing import ClosingCalls, ClosingListener
from rtc_widget.headless.errors import (
    as_error,
    cancelled,
    connection_failed,
    is_transient,
    not_connected,
    server_hung_up,
    session_expired,
)
from rtc_widget.headless.peer import PeerStates
from rtc_widget.headless.settings import Settings, pause_before
from rtc_widget.types import Direction

MAX_BUFFERED_BYTES = 8 * 1024 * 1024
"""What the data channel may hold: Chromium closes a channel that holds twice as much, and no server reads so fast."""
HEALTHY_SECONDS = 10.0
"""After so long without a problem a connection counts as healthy, and the attempts are counted from zero."""

_FRESH: Mapping[str, Any] = {
    "connection_state": "new",
    "ice_connection_state": "new",
    "ice_gathering_state": "new",
    "signaling_state": "stable",
    "data_channel_state": "closed",
    "max_message_size": None,
}
_CLOSED: Mapping[str, Any] = {
    "connection_state": "closed",
    "ice_connection_state": "closed",
    "signaling_state": "closed",
    "data_channel_state": "closed",
    "max_message_size": None,
}
INITIAL_STATE = PageState(
    status="idle",
    connection_state="new",
    ice_connection_state="new",
    ice_gathering_state="new",
    signaling_state="stable",
    data_channel_state="closed",
    microphone_permission="prompt",
    muted=False,
    receive_only=False,
    max_message_size=None,
    error=None,
)


class CallListener(ClosingListener, Protocol):
    """Receives what happens to the calls."""

    def state_changed(self, after: PageState, before: PageState) -> None:
        """The state has changed."""

    def event_passed(self, attempt: str, direction: Direction, text: str) -> None:
        """An event went over the channel."""

    def session_end(self, text: str) -> RtcWidgetError | None:
        """Return the error of an event that announces the end of the call, or None."""
        ...

    def call_opened(self, attempt: Attempt, resumes: bool) -> None:
        """The data channel has opened; `resumes` tells whether the call resumes an earlier one."""

    def call_ended(self) -> None:
        """An attempt has ended, with or without a call."""

    def audio_received(self, frame: AudioFrame) -> None:
        """Audio of the other side was received."""

    def audio_sent(self, frame: AudioFrame) -> None:
        """Audio of this side was sent."""

    def is_held_back(self) -> bool:
        """Whether the microphone is silent because nobody holds a turn."""
        ...


class Call:
    """At most one call at a time; used on the page's loop only.

    Parameters
    ----------
    bridge : PageBridge
        Exchanges messages with the kernel.
    settings : callable
        Returns the current settings.
    listener : CallListener
        Receives what happens.
    run : callable
        Runs coroutines that may outlive a call.
    """

    def __init__(
        self,
        bridge: PageBridge,
        settings: Callable[[], Settings],
        listener: CallListener,
        run: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._bridge = bridge
        self._settings = settings
        self._listener = listener
        self._run = run
        self._phase = IDLE
        self._timer: asyncio.TimerHandle | None = None
        self._microphone_choice: bool | None = None
        self._resumes_next = False
        self._sending = asyncio.Lock()
        self._closing = ClosingCalls(listener)
        self._connected: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.state = INITIAL_STATE
        self.attempt: Attempt | None = None
        self.latest: Attempt | None = None
        self.resumes = False

    async def connect(self, microphone: bool | None, *, resume: bool = False) -> str:
        """Make a call, or wait for the current one; return the attempt's id when the data channel is open.

        With `resume`, the call resumes the last one.
        """
        if self._phase.is_over:
            self._microphone_choice = microphone
            self._resumes_next = resume
        self._handle("connect")
        return await asyncio.shield(self._connected)

    def disconnect(self) -> None:
        """End the call or the attempt; harmless without one."""
        self._handle("disconnect")

    def leave(self) -> None:
        """End the call at once, and those whose sessions the server still closes: the page is closed."""
        self.disconnect()
        self._closing.end_all()

    def warn(self, error: RtcWidgetError) -> None:
        """Show an error that does not end the call."""
        if self.attempt is not None:
            self._update(error=error.to_wire())

    def finish(self, error: RtcWidgetError) -> None:
        """End the call, if there is one, with an error; a failed call gets the error if it is the deeper cause."""
        if self._phase.name != "idle":
            self._handle("ended", error)

    def replace(self) -> None:
        """Replace the call, whose session is about to expire, by one that resumes it, if the settings allow it."""
        if self._settings().reconnect is not None:
            self._handle("expired", session_expired(""))

    async def send_in_turn(self, texts: Sequence[str]) -> None:
        """Send events, all of them or none, when most of the earlier ones have left.

        Raises
        ------
        NotConnected, MessageTooLarge, SendQueueFull
            In each case nothing is sent.
        """
        attempt = self.attempt
        if attempt is None or attempt.peer is None:
            raise not_connected()
        async with self._sending:
            if attempt.peer is not None:
                await attempt.peer.until_room()
            if self.attempt is not attempt:
                raise not_connected()
            self.send(texts)

    def send(self, texts: Sequence[str]) -> None:
        """Send events, all of them or none.

        Raises
        ------
        NotConnected, MessageTooLarge, SendQueueFull
            In each case nothing is sent.
        """
        attempt = self.attempt
        if attempt is None or attempt.peer is None or self.state.data_channel_state != "open":
            raise not_connected()
        limit = attempt.peer.max_message_size
        sizes = [len(event.encode()) for event in texts]
        for size in sizes:
            if limit is not None and size > limit:
                raise MessageTooLarge(text("message_too_large", size=size, limit=limit))
        waiting = attempt.peer.buffered_bytes
        if waiting > 0 and waiting + sum(sizes) > MAX_BUFFERED_BYTES:
            raise SendQueueFull(text("send_queue_full", waiting=waiting, limit=MAX_BUFFERED_BYTES))
        for event in texts:
            attempt.peer.send(event)
            self._listener.event_passed(attempt.id, "sent", event)

    def can_send(self, text: str) -> bool:
        """Whether the data channel accepts an event of this size."""
        limit = self.attempt.peer.max_message_size if self.attempt is not None and self.attempt.peer else None
        return limit is None or len(text.encode()) <= limit

    def mute(self, muted: bool) -> None:
        """Mute the microphone of this call and of later ones."""
        self._update(muted=muted)

    # The state machine

    def _handle(self, event: CallEvent, error: RtcWidgetError | None = None) -> None:
        before = self._phase
        after = next_phase(before, event, error or cancelled(), self._settings().reconnect)
        if after is before:
            return
        self._phase = after
        if self._timer is not None:
            self._timer.cancel()
        self._enter(after, before)

    def _enter(self, phase: Phase, before: Phase) -> None:
        reconnect = self._settings().reconnect
        match phase.name:
            case "connecting":
                self._begin_attempt(resumes=self._resumes_next)
            case "connected":
                if before.name in ("connecting", "retrying"):
                    self._open()
                if phase.tries > 0:
                    self._after(HEALTHY_SECONDS, "healthy")
                self._update(status="connected", error=None)
            case "disconnected" if reconnect is not None:
                self._after(reconnect.grace, "grace_over")
            case "backoff" if reconnect is not None:
                self._after(pause_before(phase.tries, reconnect), "backoff_over")
                self._end_attempt(phase.error)
            case "retrying":
                self._begin_attempt(resumes=True)
            case "idle":
                self._end_attempt(cancelled())
            case "failed":
                self._end_attempt(phase.error)

    def _after(self, seconds: float, event: CallEvent) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._handle, event)

    def _begin_attempt(self, *, resumes: bool) -> None:
        settings = self._settings()
        microphone = settings.microphone if self._microphone_choice is None else self._microphone_choice
        # A conversation that resumes has heard the clip already.
        clip = settings.clip if microphone and not resumes else None
        options = AttemptOptions(microphone, clip, settings.direct_exchange)
        listener = _CurrentAttemptListener(self)
        attempt = Attempt(self._bridge, listener, options, self._run)
        listener.attempt = attempt
        self.attempt = self.latest = attempt
        self.resumes = resumes
        if self._connected.done():
            self._connected = asyncio.get_running_loop().create_future()
        permission = "granted" if microphone else self.state.microphone_permission
        self._update(
            **_FRESH,
            status=self._phase.status,
            error=None,
            receive_only=not microphone,
            microphone_permission=permission,
        )

        def done(raised: BaseException | None) -> None:
            if raised is not None and attempt is self.attempt:
                error = as_error(raised)
                self._handle("lost" if is_transient(error) else "ended", error)

        is_retry = self._phase.name == "retrying"
        limit = settings.reconnect.attempt_timeout if is_retry and settings.reconnect else None
        attempt.begin(limit, done)

    def _open(self) -> None:
        if self.attempt is None:
            return
        if not self._connected.done():
            self._connected.set_result(self.attempt.id)
        self._listener.call_opened(self.attempt, self.resumes)

    def _end_attempt(self, error: RtcWidgetError) -> None:
        """End the current attempt; it is cleared first, so that its late events are ignored."""
        attempt, self.attempt = self.attempt, None
        if attempt is not None:
            is_open = self.state.connection_state == "connected" and self.state.data_channel_state == "open"
            if not (is_open and self._closing.begin(attempt)):
                attempt.end()
            self._listener.call_ended()
        failure = self._phase.error.to_wire() if self._phase.name == "failed" else None
        self._update(status=self._phase.status, error=failure, **(_CLOSED if attempt is not None else {}))
        # After the new state: `connect` must not return before the state shows the end.
        if self._phase.is_over and not self._connected.done():
            self._connected.set_exception(error)
            self._connected.exception()  # marks it as retrieved, since `connect` may not wait

    # Reports of the attempt

    def states_changed(self, states: PeerStates) -> None:
        """Show the states of the connection, and derive the call's next phase."""
        event, error = self._event_for(states)
        after = self._phase
        if event is not None:
            after = next_phase(self._phase, event, error or cancelled(), self._settings().reconnect)
        # One update: the status changes together with its cause, unless the attempt ends now.
        self._update(**asdict(states), status=after.status if after.has_attempt else self.state.status)
        if event is not None:
            self._handle(event, error)

    def message_received(self, attempt: Attempt, text: str) -> None:
        """Process an event of the server."""
        attempt.session_end = attempt.session_end or self._listener.session_end(text)
        closed = self._listener.session_closed(text)
        attempt.is_session_over = attempt.is_session_over or closed is not None
        self._listener.event_passed(attempt.id, "received", text)
        # Not every server closes a session that has expired.
        if attempt.session_end is not None and attempt is self.attempt and self._settings().reconnect is not None:
            self._handle("expired", attempt.session_end)
        if closed is not None and attempt is self.attempt:
            if closed == "requested":
                self.disconnect()
            else:
                self._handle("ended", attempt.session_end or server_hung_up())

    def audio_received(self, frame: AudioFrame) -> None:
        """Pass on audio of the other side."""
        self._listener.audio_received(frame)

    def audio_sent(self, frame: AudioFrame) -> None:
        """Pass on audio of this side."""
        self._listener.audio_sent(frame)

    def _event_for(self, states: PeerStates) -> tuple[CallEvent | None, RtcWidgetError | None]:
        had_channel = self.state.data_channel_state != "closed"
        if states.connection_state == "failed":
            return "lost", connection_failed()
        if states.connection_state == "closed" or (had_channel and states.data_channel_state == "closed"):
            expired = self.attempt and self.attempt.session_end
            return ("expired", expired) if expired else ("ended", server_hung_up())
        if states.connection_state == "disconnected":
            return "disconnected", None
        if self._phase.name == "disconnected":
            return ("reconnected", None) if states.connection_state == "connected" else (None, None)
        has_channel = self.attempt is None or self.attempt.has_channel
        is_open = states.data_channel_state == "open" if has_channel else states.connection_state == "connected"
        return ("opened", None) if is_open else (None, None)

    def _update(self, **changes: Any) -> None:
        before, after = self.state, replace(self.state, **changes)
        if after != before:
            self.state = after
            self._listener.state_changed(after, before)


class _CurrentAttemptListener:
    """Passes on the reports of an attempt while it is the current one."""

    attempt: Attempt

    def __init__(self, call: Call) -> None:
        self._call = call

    def states_changed(self, states: PeerStates) -> None:
        if self._is_current():
            self._call.states_changed(states)
        else:
            self._call._closing.states_changed(self.attempt, states)

    def message_received(self, text: str) -> None:
        if self._is_current():
            self._call.message_received(self.attempt, text)
        else:
            self._call._closing.message_received(self.attempt, text)

    def audio_received(self, frame: AudioFrame) -> None:
        if self._is_current():
            self._call.audio_received(frame)

    def audio_sent(self, frame: AudioFrame) -> None:
        if self._is_current():
            self._call.audio_sent(frame)

    def is_muted(self) -> bool:
        return self._call.state.muted or self._call._listener.is_held_back() or not self._is_current()

    def _is_current(self) -> bool:
        return self._call.attempt is self.attempt
