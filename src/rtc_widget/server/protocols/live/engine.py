"""One Live session: it receives client events and input audio, keeps the clock, and lets the voice speak."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import numpy as np

from rtc_widget._aiortc.audio import MonoAudio, Samples
from rtc_widget._aiortc.stats import CallStatistics, no_statistics
from rtc_widget.server.audio_formats import AudioFormat, decoded_pieces, encoded_audio
from rtc_widget.server.audio_outputs import Player
from rtc_widget.server.conversation import Conversation, MessageItem, MessageRole, Part, PartType
from rtc_widget.server.errors import ApiError
from rtc_widget.server.messages import SendMessage, decoded_event, new_id
from rtc_widget.server.protocols.live import client_events as live
from rtc_widget.server.protocols.live.activity import Activity, CloseReason
from rtc_widget.server.protocols.live.backend import Backend, SpeechContext
from rtc_widget.server.protocols.live.clock import GRID_MS, SessionClock, grid_ceil
from rtc_widget.server.protocols.live.input_speech import InputSpeech
from rtc_widget.server.protocols.live.output_speech import SIDEBAND_FORMAT, OutputSpeech
from rtc_widget.server.protocols.live.server_events import LiveConnection, LiveEmitter, live_message
from rtc_widget.server.protocols.live.session_config import LiveConfig, changed_live_session
from rtc_widget.server.protocols.live.voice import Voice
from rtc_widget.server.responders.responder import Responder
from rtc_widget.server.speech import INPUT_RATE, VoiceDetector
from rtc_widget.server.speech.engines import Engines
from rtc_widget.server.tasks import Tasks

log = logging.getLogger(__name__)

STEP_SAMPLES = INPUT_RATE // 50
"""The clock advances in steps of 20 ms, however long the pieces are in which audio arrives."""

DECODE_SECONDS = 0.5
"""Seconds of appended audio that are processed before other tasks run; an event may contain minutes."""

APPEND_DELAY_MS = 400
"""An append lies on the grid after so much of the clock."""

MAX_LIVE_CONNECTIONS = 8
"""Limit on the connections of a session: the one that began it, and sidebands."""

MAX_PENDING_APPENDS = 256

_ROLES: dict[str, MessageRole] = {"developer": "system", "user": "user", "assistant": "assistant"}
_KINDS: dict[type[live.AppendText], str] = {
    live.AppendInstructions: "instructions",
    live.AppendThinking: "thinking",
    live.AppendCommentary: "commentary",
}


class LiveEngine:
    """The protocol of a Live session, independent of the connection: messages and samples in, messages out.

    Parameters
    ----------
    session : LiveConfig
        The settings of the session.
    engines, responder
        The speech engines, and what decides what is said.
    send : callable
        Sends one message to the client.
    on_closed : callable
        Called once when the session has been closed; the connection should then end.
    player : Player, optional
        Plays the voice. Without it, the session is a primary WebSocket, and events contain the audio.
    statistics : callable
        Returns the statistics of the connection.
    """

    def __init__(
        self,
        session: LiveConfig,
        *,
        engines: Engines,
        responder: Responder,
        send: SendMessage,
        on_closed: Callable[[], None],
        player: Player | None = None,
        statistics: Callable[[], Awaitable[CallStatistics]] = no_statistics,
    ) -> None:
        self.session = session
        self._send = send
        self._on_closed = on_closed
        self._is_websocket = player is None
        self._emitter = LiveEmitter()
        self._emit = self._emitter.emit
        rules = session.client.data_channel if session.client and player is not None else None
        self._emitter.join(LiveConnection(send, has_sound=self._is_websocket, rules=rules))
        self._clock = SessionClock()
        self._tasks = Tasks("the live session")
        self._conversation = Conversation(_history(session))
        self._conversation.take_questions()  # of an earlier call
        given = session.audio.format
        self._format = AudioFormat(given.type, given.rate) if given else SIDEBAND_FORMAT
        self._speech = OutputSpeech(
            engines,
            self._emitter,
            self._clock,
            voice=session.voice,
            player=player,
            primary_format=self._format,
        )
        context = SpeechContext(
            self._conversation, responder, self._emitter, self._speech, self._clock, self._tasks, statistics
        )
        self._voice = Voice(context, lambda: self.session)
        self._backend = (
            Backend(
                context,
                lambda: self.session.backend or backend,
                lambda: self._voice.instructions,
                lambda: self.session.acknowledgement_delay_ms,
            )
            if (backend := session.backend)
            else None
        )
        self._input = InputSpeech(engines, self._emitter, on_started=self._speech_started, on_words=self._user_spoke)
        self._activity = Activity(session, self._emitter, self._clock, self._conversation)
        self._is_muted = False
        self._has_begun = False
        self._is_closed = False
        self._pending: dict[int, live.AppendText] = {}
        self._appended_to_ms = 0

    @property
    def clock_ms(self) -> int:
        """The clock of the session: milliseconds of input audio."""
        return self._clock.ms

    @property
    def is_busy(self) -> bool:
        """Whether anybody speaks, or anything is in progress that will be spoken."""
        is_backend_busy = self._backend is not None and self._backend.is_busy
        is_replying = self._voice.is_replying or is_backend_busy or bool(self._pending or len(self._tasks))
        return self._input.is_speaking or self._input.is_recognizing or self._speech.is_speaking or is_replying

    def begin(self) -> None:
        """Send the first events of the session."""
        self._has_begun = True
        rules = self.session.client.data_channel if self.session.client and not self._is_websocket else None
        if rules is not None:
            message = "The data channel of this session carries only the events that the session allows."
            self._emit("info", code="data_channel_permissions", message=message)
        self._emit("session.started", session=self.session.to_wire())

    async def end(self) -> None:
        """Stop all tasks of the session."""
        try:
            await self._input.end()
        finally:
            await self._tasks.end()

    def close(self, reason: CloseReason = "close_requested", client_event_id: str | None = None) -> bool:
        """Close the session and send the last event; return whether it was open."""
        has_client = self._has_begun or self._emitter.connections > 1  # a sideband may come before the client
        if self._is_closed or not has_client:
            return False
        self._is_closed = True
        for append in self._pending.values():
            message = "The session closed before this was added."
            error = ApiError(message, "context_injection_incomplete").to_wire()
            self._emit("error", error={**error, "client_event_id": append.event_id})
        self._pending.clear()
        self._clock.clear()
        self._voice.interrupt()
        self._activity.closed(reason, client_event_id, self.session)
        self._on_closed()
        return True

    def expire(self) -> None:
        """Close the session because its time is over."""
        self.close("expired")

    def fail(self, message: str, code: str) -> None:
        """Send an `error` event about the server."""
        error = ApiError(message, code, kind="server_error")
        self._emit("error", error={**error.to_wire(), "client_event_id": None})

    # Sidebands

    def require_room_for_client(self) -> None:
        """Raise `ApiError` if the session has as many connections as it may have."""
        if self._emitter.connections >= MAX_LIVE_CONNECTIONS:
            message = f"A session accepts at most {MAX_LIVE_CONNECTIONS - 1} sideband connections at a time."
            raise ApiError(message, "rate_limit_exceeded", status=429, kind="rate_limit_error")

    def join(self, send: SendMessage) -> None:
        """Send all events, and the sound of both sides, also to a sideband."""
        self._emitter.join(LiveConnection(send, has_sound=True, has_input=True))
        if self._has_begun:
            send(live_message("session.started", session=self.session.to_wire()))

    def leave(self, send: SendMessage) -> None:
        """Stop sending events to a sideband."""
        self._emitter.leave(send)

    # Client events

    def receive(self, message: str | bytes, reply_to: SendMessage | None = None) -> None:
        """Process one message. An invalid one changes nothing; its sender gets an `error` event."""
        for _ in self._steps(message, reply_to or self._send):
            pass

    async def take(self, message: str | bytes, reply_to: SendMessage | None = None) -> None:
        """Process one message as `receive` does, but let other tasks run while it processes long audio."""
        for _ in self._steps(message, reply_to or self._send):
            await asyncio.sleep(0)

    def _steps(self, message: str | bytes, reply_to: SendMessage) -> Iterator[None]:
        event: dict[str, Any] = {}
        try:
            event = decoded_event(message)
            self._require_allowed(event["type"], reply_to)
            yield from self._handle(live.live_event(event))
        except ApiError as error:
            event_id = event.get("event_id")
            shown = event_id if isinstance(event_id, str) else None
            reply_to(live_message("error", error={**error.to_wire(), "client_event_id": shown}))
        except Exception:
            # Otherwise it would end the reader of the connection, and so the call.
            log.exception("an event could not be handled")
            self.fail(f"Internal error of the server while it processed '{event.get('type')}'.", "server_error")

    def _require_allowed(self, kind: str, sender: SendMessage) -> None:
        if self._is_closed:
            raise ApiError("The session is closed.", "session_closed")
        connection = self._emitter.of(sender)
        if connection is not None and not connection.may_send(kind):
            raise ApiError(f"The session does not allow '{kind[:80]}' on the data channel.", "event_not_allowed")

    def _handle(self, event: live.LiveEvent) -> Iterator[None]:
        match event:
            case live.StartSession():
                raise ApiError("The session has started already.", "session_already_started", param="type")
            case live.UpdateLive():
                self._update(event)
            case live.AppendSpeech():
                yield from self._append_audio(event)
            case live.MuteInput():
                self._is_muted = True
                self._emit("session.input_audio.muted", client_event_id=event.event_id)
            case live.UnmuteInput():
                self._is_muted = False
                self._emit("session.input_audio.unmuted", client_event_id=event.event_id)
            case live.AppendText():
                self._append(event)
            case live.QueueBackendItem():
                self._required_backend("response.item.create").queue(event.item)
            case live.RunBackend():
                self._required_backend("response.create").run(event.event_id)
            case live.CloseSession():
                self.close("close_requested", event.event_id)

    def _update(self, event: live.UpdateLive) -> None:
        changed = changed_live_session(self.session, event.session)
        self.session = changed
        self._emit("session.updated", client_event_id=event.event_id, session=changed.to_wire())

    def _required_backend(self, kind: str) -> Backend:
        if self._backend is None:
            raise ApiError(f"`{kind}` requires Responses delegation.", "invalid_value", param="type")
        return self._backend

    def _append_audio(self, event: live.AppendSpeech) -> Iterator[None]:
        if not self._is_websocket:
            message = "The audio of this session comes over its track, not in events."
            raise ApiError(message, "invalid_value", param="type")
        self._input.require_capacity()
        for piece in decoded_pieces(event.audio, self._format, DECODE_SECONDS, rate=INPUT_RATE, param="audio"):
            if piece is not None:
                self.receive_audio(piece)
            yield

    # Appended text

    def _append(self, event: live.AppendText) -> None:
        delegation_id = event.delegation_id
        is_known = delegation_id is None or self._voice.has_delegation(delegation_id)
        if not is_known and not (self._backend and delegation_id and self._backend.has_delegation(delegation_id)):
            message = f"No delegation has the id '{(delegation_id or '')[:80]}'."
            raise ApiError(message, "invalid_value", param="delegation_id")
        if len(self._pending) >= MAX_PENDING_APPENDS:
            message = (
                f"At most {MAX_PENDING_APPENDS} texts can wait to be added. The clock may stand still: send audio."
            )
            raise ApiError(message, "rate_limit_exceeded")
        # In order, each on a step of the grid: the model reads them one after the other.
        start_ms = max(grid_ceil(self._clock.ms + APPEND_DELAY_MS), self._appended_to_ms)
        self._appended_to_ms = start_ms + GRID_MS
        self._pending[id(event)] = event
        self._clock.at(self._appended_to_ms, lambda: self._appended(event, start_ms))

    def _appended(self, event: live.AppendText, start_ms: int) -> None:
        del self._pending[id(event)]
        kind = _KINDS[type(event)]
        self._emit(
            f"session.{kind}.appended", client_event_id=event.event_id, start_ms=start_ms, end_ms=start_ms + GRID_MS
        )
        match event:
            case live.AppendInstructions():
                self._voice.add_instructions(event.content)
            case live.AppendThinking():
                self._voice.add_thinking(event.content)
            case live.AppendCommentary():
                self._voice.add_commentary(event.content, event.delegation_id)

    # Input audio

    def listen(self, detector: VoiceDetector) -> None:
        """Start to detect speech with `detector`."""
        self._input.listen(detector)

    def receive_audio(self, samples: Samples) -> None:
        """Process the next `samples` (16 kHz) of the user; the clock advances by their duration."""
        if self._is_closed or not self._has_begun:
            return
        if self._emitter.wants_input:
            data = encoded_audio(MonoAudio(samples, INPUT_RATE), SIDEBAND_FORMAT)
            self._emitter.emit_input(base64.b64encode(data).decode())
        for at in range(0, len(samples), STEP_SAMPLES):
            self._step(samples[at : at + STEP_SAMPLES])

    def _step(self, samples: Samples) -> None:
        self._input.receive(np.zeros_like(samples) if self._is_muted else samples)
        self._clock.advance(len(samples) * 1000 / INPUT_RATE)
        self._speech.advance(is_held=self._input.is_speaking)
        self._activity.advance(is_busy=self.is_busy)
        self._input.set_threshold(self._activity.vad_threshold)

    def audio_is_late(self, seconds: float) -> None:
        """Do nothing: while no audio arrives, the clock stands still, and with it all that is said and acknowledged."""

    def _speech_started(self) -> None:
        # No event tells it.
        if self._speech.is_speaking and self._backend is not None:
            self._backend.silence()
        self._voice.interrupt()

    def _user_spoke(self, text: str) -> None:
        if self._backend is not None:
            self._backend.user_spoke(text)
        else:
            self._voice.user_spoke(text)


def _history(session: LiveConfig) -> list[MessageItem]:
    """Return the messages of an earlier conversation."""
    items: list[MessageItem] = []
    for message in session.input:
        kind: PartType = "output_text" if message.role == "assistant" else "input_text"
        items.append(MessageItem(new_id("item"), _ROLES[message.role], (Part(kind, message.content[0].text),)))
    return items
