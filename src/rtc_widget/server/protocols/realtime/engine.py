"""One session over one connection: it receives client events and input audio, and creates responses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NamedTuple

from rtc_widget._aiortc.audio import Samples
from rtc_widget._aiortc.stats import CallStatistics, no_statistics
from rtc_widget.server.audio_formats import AudioFormat, decoded_pieces
from rtc_widget.server.audio_outputs import EventSink, Player, TrackSink
from rtc_widget.server.conversation import (
    MAX_ITEMS,
    MAX_SIZE,
    Conversation,
    FunctionCallOutput,
    Item,
    MessageItem,
    size_of,
)
from rtc_widget.server.errors import ApiError
from rtc_widget.server.messages import SendMessage, decoded_event, new_id
from rtc_widget.server.protocols.realtime import client_events
from rtc_widget.server.protocols.realtime.input_audio import InputAudio, InputAudioCallbacks
from rtc_widget.server.protocols.realtime.items import item_from_wire, item_to_wire
from rtc_widget.server.protocols.realtime.playback import PlaybackQueue
from rtc_widget.server.protocols.realtime.response import Response, ResponseContext
from rtc_widget.server.protocols.realtime.response_config import ResponseSettings, response_settings
from rtc_widget.server.protocols.realtime.server_events import Emitter, encoded
from rtc_widget.server.protocols.realtime.session_config import SessionConfig, changed_session
from rtc_widget.server.responders.responder import PreviewResponder, Responder
from rtc_widget.server.responders.sentences import first_part
from rtc_widget.server.speech import INPUT_RATE, VoiceDetector
from rtc_widget.server.speech.engines import Engines
from rtc_widget.server.speech.speculative_speaker import SpeculativeSpeaker
from rtc_widget.server.tasks import Tasks

log = logging.getLogger(__name__)

APPEND_STEP_SECONDS = 0.5
"""Seconds of appended audio that are processed before other tasks run; an event may contain minutes."""

MAX_ENCODED_SECONDS = 5.0
"""Seconds of audio that are encoded on the event loop, in a few milliseconds; a thread encodes more."""

MAX_RETRIEVALS = 16
"""Limit on items with long audio that a client retrieves at a time."""

MAX_OUT_OF_BAND = 16
"""Limit on responses out of band that are in progress in a session at a time."""

MAX_CLIENTS = 8
"""Limit on the clients of a session: the one that began it, and sideband connections."""


class _Action(NamedTuple):
    """An action on an item: its name in error messages, and the error code for an unknown item."""

    name: str
    code: str


_RETRIEVING = _Action("retrieving", "item_retrieve_invalid_item_id")
_DELETING = _Action("deleting", "item_delete_invalid_item_id")
_TRUNCATING = _Action("truncating", "item_truncate_invalid_item_id")


class RealtimeEngine:
    """The protocol of a session, independent of the connection: messages and samples in, messages out.

    Parameters
    ----------
    session : SessionConfig
        The initial settings.
    engines, responder
        The speech engines, and what decides the responses.
    send : callable
        Sends one message to the client.
    player : Player, optional
        Plays the audio of responses. Without it, events contain the audio.
    statistics : callable
        Returns the statistics of the connection.
    """

    def __init__(
        self,
        session: SessionConfig,
        *,
        engines: Engines,
        responder: Responder,
        send: SendMessage,
        player: Player | None = None,
        statistics: Callable[[], Awaitable[CallStatistics]] = no_statistics,
    ) -> None:
        self.session = session
        self.conversation = Conversation()
        self._send = send
        self._emitter = Emitter(send)
        self._emit = self._emitter.emit
        callbacks = InputAudioCallbacks(self._speech_started, self._turn_may_end, self._turn_recognized, self._is_quiet)
        self._input_audio = InputAudio(self.conversation, self._emitter, engines, session.audio.input, callbacks)
        self._tasks = Tasks("the session")
        self._playback_queue = PlaybackQueue(self.conversation, self._emitter, self._tasks)
        self._context = ResponseContext(
            self.conversation,
            new_id("conv"),
            responder,
            SpeculativeSpeaker(engines),
            self._emitter,
            TrackSink(player, self._emitter) if player else EventSink(self._emitter),
            self._input_audio.until_recognized,
            statistics,
        )
        self._response: Response | None = None
        self._out_of_band: dict[str, Response] = {}
        self._retrieval = asyncio.Lock()
        self._retrieving = 0

    def begin(self) -> None:
        """Send the first events of the session."""
        self._emit("session.created", session=self.session.to_wire())
        conversation = {"id": self._context.conversation_id, "object": "realtime.conversation"}
        self._emit("conversation.created", conversation=conversation)

    async def end(self) -> None:
        """Stop all tasks of the session."""
        try:
            await self._input_audio.end()
        finally:
            self._context.speaker.drop()
            await self._tasks.end()

    def close(self, reason: str) -> bool:
        """Do nothing: the protocol has no last event."""
        return False

    def expire(self) -> None:
        """Send that the time of the session is over."""
        self.fail("Your session hit the maximum duration of this server.", "session_expired")

    def require_room_for_client(self) -> None:
        """Raise `ApiError` if the session has as many clients as it may have."""
        if self._emitter.clients >= MAX_CLIENTS:
            message = f"A call accepts at most {MAX_CLIENTS - 1} sideband connections at a time."
            raise ApiError(message, "rate_limit_exceeded", status=429, kind="rate_limit_error")

    def join(self, send: SendMessage) -> None:
        """Send all events also to a second client, whose events come through `receive`."""
        self._emitter.join(send)

    def leave(self, send: SendMessage) -> None:
        """Stop sending events to a client that joined."""
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
            yield from self._handle(client_events.client_event(event))
        except ApiError as error:
            event_id = event.get("event_id")
            shown = event_id if isinstance(event_id, str) else None
            reply_to(encoded("error", error={**error.to_wire(), "event_id": shown}))
        except Exception:
            # Otherwise it would end the reader of the connection, and so the call.
            log.exception("an event could not be handled")
            self.fail(
                f"Internal error of the server while it processed '{event.get('type')}'. See its log.", "server_error"
            )

    def fail(self, message: str, code: str) -> None:
        """Send an `error` event about the server."""
        error = ApiError(message, code, kind="server_error")
        self._emit("error", error={**error.to_wire(), "event_id": None})

    def _handle(self, event: client_events.ClientEvent) -> Iterator[None]:
        match event:
            case client_events.SessionUpdate():
                self._update_session(event)
            case client_events.CreateItem():
                self._create_item(event)
            case client_events.RetrieveItem():
                self._retrieve(event)
            case client_events.DeleteItem():
                self._existing(event.item_id, _DELETING)
                self.conversation.remove(event.item_id)
                self._input_audio.drop(event.item_id)
                self._emit("conversation.item.deleted", item_id=event.item_id)
            case client_events.TruncateItem():
                self._truncate(event)
            case client_events.AppendAudio():
                yield from self._append(event)
            case client_events.CommitAudio():
                self._input_audio.require_capacity()
                self._input_audio.commit()
            case client_events.ClearAudio():
                self._input_audio.clear()
            case client_events.ClearOutput():
                self._playback_queue.stop()
            case client_events.CreateResponse():
                self._create_response(event)
            case client_events.CancelResponse():
                self._cancel_response(event)

    def _update_session(self, event: client_events.SessionUpdate) -> None:
        changed = changed_session(self.session, event.session, has_spoken=self._playback_queue.has_begun)
        # Encode first: if that fails, the session stays as it was.
        updated = encoded("session.updated", session=changed.to_wire())
        self._input_audio.set(changed.audio.input)
        self.session = changed
        self._emitter.send(updated)

    def _create_item(self, event: client_events.CreateItem) -> None:
        item = item_from_wire(event.item, self._input_format())
        if isinstance(item, FunctionCallOutput) and not self.conversation.has_call(item.call_id):
            message = f"Tool call ID '{item.call_id}' not found in conversation."
            raise ApiError(message, "invalid_tool_call_id")
        self._require_room(item)
        if isinstance(item, MessageItem) and any(part.samples is not None for part in item.parts):
            self._input_audio.require_capacity()
        self.conversation.add(item, after=event.previous_item_id)
        previous = self.conversation.previous_id(item.id)
        self._emit("conversation.item.added", previous_item_id=previous, item=item_to_wire(item))
        self._emit("conversation.item.done", previous_item_id=previous, item=item_to_wire(item))
        if isinstance(item, MessageItem):
            self._input_audio.transcribe(item)

    def _require_room(self, item: Item) -> None:
        if len(self.conversation.items) >= MAX_ITEMS:
            message = f"A conversation must have at most {MAX_ITEMS:,} items. Delete some of them first."
            raise ApiError(message, "conversation_too_large", param="item")
        if self.conversation.size + size_of(item) > MAX_SIZE:
            message = f"A conversation must have at most {MAX_SIZE:,} characters, with images. Delete items first."
            raise ApiError(message, "conversation_too_large", param="item")

    def _existing(self, item_id: str, action: _Action) -> Item:
        item = self.conversation.find(item_id)
        if item is None:
            message = f"Error {action.name} item: the item with id '{item_id}' does not exist."
            raise ApiError(message, action.code, param="item_id")
        return item

    def _retrieve(self, event: client_events.RetrieveItem) -> None:
        item = self._existing(event.item_id, _RETRIEVING)
        parts = item.parts if isinstance(item, MessageItem) else ()
        if sum(part.seconds for part in parts if part.samples is not None) <= MAX_ENCODED_SECONDS:
            self._emitter.send(_retrieved(item))
            return
        if self._retrieving >= MAX_RETRIEVALS:
            message = f"At most {MAX_RETRIEVALS} items can be retrieved at a time. Wait for the first ones."
            raise ApiError(message, "rate_limit_exceeded", param="item_id")
        self._retrieving += 1
        self._tasks.run(self._send_with_audio(item))

    async def _send_with_audio(self, item: Item) -> None:
        # Encoding minutes of audio takes some tenths of a second and several times their size: in a thread, in turn.
        try:
            async with self._retrieval:
                self._emitter.send(await asyncio.to_thread(_retrieved, item))
        finally:
            self._retrieving -= 1

    def _truncate(self, event: client_events.TruncateItem) -> None:
        item = self._existing(event.item_id, _TRUNCATING)
        parts = item.parts if isinstance(item, MessageItem) else ()
        part = parts[event.content_index] if event.content_index < len(parts) else None
        if part is None or part.type != "output_audio":
            message = "Only model output audio messages can be truncated."
            raise ApiError(message, "unsupported_content_type", param="item_id")
        ms = round(part.seconds * 1000)
        if event.audio_end_ms > ms:
            message = f"Audio content of {ms}ms is already shorter than {event.audio_end_ms}ms."
            raise ApiError(message, "invalid_value", param="audio_end_ms")
        self._playback_queue.truncate(event.item_id, event.content_index, event.audio_end_ms)

    def _append(self, event: client_events.AppendAudio) -> Iterator[None]:
        self._input_audio.require_capacity()
        input_format = self._input_format()
        for piece in decoded_pieces(event.audio, input_format, APPEND_STEP_SECONDS, rate=INPUT_RATE, param="audio"):
            if piece is not None:
                self._input_audio.receive_audio(piece)
            yield

    def _input_format(self) -> AudioFormat:
        return self.session.audio.input.format.audio_format()

    def _create_response(self, event: client_events.CreateResponse) -> None:
        settings = response_settings(self.session, self.conversation, event.response)
        if not settings.is_out_of_band and self._is_responding():
            raise ApiError(
                f"Conversation already has an active response in progress: {self._active().id}. "
                "Wait until the response is finished before creating a new one.",
                "conversation_already_has_active_response",
            )
        if settings.is_out_of_band and len(self._out_of_band) >= MAX_OUT_OF_BAND:
            message = f"At most {MAX_OUT_OF_BAND} responses out of band can be in progress at a time."
            raise ApiError(message, "rate_limit_exceeded", param="response.conversation")
        self._respond(settings)

    def _cancel_response(self, event: client_events.CancelResponse) -> None:
        response = self._out_of_band.get(event.response_id or "")
        if response is None and self._is_responding() and event.response_id in (None, self._active().id):
            response = self._active()
        if response is None:
            raise ApiError("Cancellation failed: no active response found.", "response_cancel_not_active")
        response.cancel("client_cancelled")

    # Input audio

    def listen(self, detector: VoiceDetector) -> None:
        """Start turn detection with `detector`."""
        self._input_audio.listen(detector)

    def receive_audio(self, samples: Samples) -> None:
        """Process the next `samples` (16 kHz) of the user."""
        self._input_audio.receive_audio(samples)

    def audio_is_late(self, seconds: float) -> None:
        """Take note that no audio has arrived for `seconds` more, so that a turn can end."""
        self._input_audio.audio_is_late(seconds)

    def _speech_started(self) -> None:
        detection = self.session.audio.input.turn_detection
        if detection is not None and detection.interrupt_response:
            if self._is_responding():
                self._active().cancel("turn_detected")
            self._playback_queue.stop()

    def _turn_may_end(self, text: str) -> None:
        detection = self.session.audio.input.turn_detection
        responder = self._context.responder
        if not text or detection is None or not detection.create_response:
            return
        if not isinstance(responder, PreviewResponder):
            return
        settings = response_settings(self.session, self.conversation, None)
        # One response answers all open questions.
        question = " ".join([*(item.text for item in self.conversation.open_questions()), text])
        said = first_part(responder.preview(question))
        if said and settings.modality == "audio":
            self._context.speaker.prepare(said, voice=settings.voice, speed=settings.speed)

    def _turn_recognized(self, item_id: str) -> None:
        self._tasks.run(self._respond_to_turn(item_id))

    async def _respond_to_turn(self, item_id: str) -> None:
        detection = self.session.audio.input.turn_detection
        if detection is None or not detection.create_response:
            return
        while self._is_responding():
            await self._active().done.wait()
        item = self.conversation.find(item_id)
        is_silent = isinstance(item, MessageItem) and not any(part.seconds for part in item.parts)
        # A user who continues to speak gets one response, after the last word. Noise gets no response.
        is_still_speaking = detection.interrupt_response and self._input_audio.is_speaking
        if is_silent or (not is_still_speaking and self.conversation.open_questions()):
            self._respond(response_settings(self.session, self.conversation, None), prompted=not is_silent)

    # Responses

    def _respond(self, settings: ResponseSettings, *, prompted: bool = True) -> None:
        response = Response(settings, self._context, prompted)
        self._playback_queue.add(response)
        if settings.is_out_of_band:
            self._out_of_band[response.id] = response
        else:
            self._response = response
        self._tasks.run(self._run_response(response))

    async def _run_response(self, response: Response) -> None:
        try:
            await response.start()
        finally:
            self._out_of_band.pop(response.id, None)

    def _is_responding(self) -> bool:
        return self._response is not None and not self._response.done.is_set()

    def _active(self) -> Response:
        if self._response is None:
            raise RuntimeError("The session has no response.")
        return self._response

    def _is_quiet(self) -> bool:
        return self._response is not None and self._response.done.is_set() and self._playback_queue.is_over


def _retrieved(item: Item) -> str:
    return encoded("conversation.item.retrieved", item=item_to_wire(item, with_audio=True))
