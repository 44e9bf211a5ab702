"""One conversation over one connection: what the client sends, what is heard, what is answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from rtc_widget._aiortc.audio import Samples
from rtc_widget._aiortc.stats import CallStatistics, no_statistics
from rtc_widget.server.audio_formats import AudioFormat, decoded_pieces
from rtc_widget.server.audio_outputs import EventSink, Player, TrackSink
from rtc_widget.server.conversation import Conversation, FunctionCallOutput, Item, MessageItem
from rtc_widget.server.errors import ApiError
from rtc_widget.server.protocols.realtime import client_events as client_events
from rtc_widget.server.protocols.realtime.input_audio import InputAudio, InputAudioCallbacks
from rtc_widget.server.protocols.realtime.items import item_from_wire, item_to_wire
from rtc_widget.server.protocols.realtime.playback import PlaybackQueue
from rtc_widget.server.protocols.realtime.response import Response, ResponseContext
from rtc_widget.server.protocols.realtime.response_config import ResponseSettings, response_settings
from rtc_widget.server.protocols.realtime.server_events import Emitter, SendMessage, encoded, new_id
from rtc_widget.server.protocols.realtime.session_config import SessionConfig, changed_session
from rtc_widget.server.responders.responder import Responder
from rtc_widget.server.speech import INPUT_RATE, VoiceDetector
from rtc_widget.server.speech.engines import Engines
from rtc_widget.server.tasks import Tasks

log = logging.getLogger(__name__)

APPEND_STEP_SECONDS = 0.5
"""Seconds of sound that are listened to before others have their turn: appended sound may be minutes."""


class RealtimeEngine:
    """The protocol's side of a session; knows no connection, only messages and samples.

    Parameters
    ----------
    session : SessionConfig
        What the call began with.
    engines, responder
        What hears and speaks, and what thinks.
    send : callable
        Takes one message for the client.
    player : Player, optional
        What plays the answers; without one they are sent within events.
    statistics : callable
        What is known of the connection.
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
        callbacks = InputAudioCallbacks(self._speech_started, self._turn_recognized, self._is_quiet)
        self._input_audio = InputAudio(self.conversation, self._emitter, engines, session.audio.input, callbacks)
        self._tasks = Tasks("the dialogue")
        self._playback_queue = PlaybackQueue(self.conversation, self._emitter, self._tasks)
        self._context = ResponseContext(
            self.conversation,
            new_id("conv"),
            responder,
            engines,
            self._emitter,
            TrackSink(player, self._emitter) if player else EventSink(self._emitter),
            self._input_audio.until_recognized,
            statistics,
        )
        self._response: Response | None = None
        self._out_of_band: dict[str, Response] = {}

    def begin(self) -> None:
        """Tell the client that the session is there."""
        self._emit("session.created", session=self.session.to_wire())
        conversation = {"id": self._context.conversation_id, "object": "realtime.conversation"}
        self._emit("conversation.created", conversation=conversation)

    async def end(self) -> None:
        """Stop everything that is still going on."""
        await self._input_audio.end()
        await self._tasks.end()

    def join(self, send: SendMessage) -> None:
        """Let one more client follow the session, and take part in it by `receive`."""
        self._emitter.join(send)

    def leave(self, send: SendMessage) -> None:
        """Forget a client that joined."""
        self._emitter.leave(send)

    # What the client sends

    def receive(self, message: str | bytes, answer_to: SendMessage | None = None) -> None:
        """Take one message; a bad one is answered by an `error` event, to its sender only, and changes nothing."""
        for _ in self._steps(message, answer_to or self._send):
            pass

    async def take(self, message: str | bytes, answer_to: SendMessage | None = None) -> None:
        """Take one message as `receive` does, but let others have their turn while long sound is listened to."""
        for _ in self._steps(message, answer_to or self._send):
            await asyncio.sleep(0)

    def _steps(self, message: str | bytes, answer_to: SendMessage) -> Iterator[None]:
        event: dict[str, Any] = {}
        try:
            event = client_events.decoded(message)
            yield from self._handle(client_events.client_event(event))
        except ApiError as error:
            event_id = event.get("event_id")
            shown = event_id if isinstance(event_id, str) else None
            answer_to(encoded("error", error={**error.to_wire(), "event_id": shown}))
        except Exception:
            # Let through, it would end the connection's reader and with it the call.
            log.exception("an event could not be handled")
            self.fail(f"The server failed over '{event.get('type')}'; its log says more.", "server_error")

    def fail(self, message: str, code: str) -> None:
        """Tell the client of a fault that is not its own."""
        error = ApiError(message, code, kind="server_error")
        self._emit("error", error={**error.to_wire(), "event_id": None})

    def _handle(self, event: client_events.ClientEvent) -> Iterator[None]:
        match event:
            case client_events.SessionUpdate():
                self._update_session(event)
            case client_events.CreateItem():
                self._create_item(event)
            case client_events.RetrieveItem():
                item = self._existing(event.item_id, "retriev")
                self._emit("conversation.item.retrieved", item=item_to_wire(item, with_audio=True))
            case client_events.DeleteItem():
                self._existing(event.item_id, "delet")
                self.conversation.remove(event.item_id)
                self._emit("conversation.item.deleted", item_id=event.item_id)
            case client_events.TruncateItem():
                self._truncate(event)
            case client_events.AppendAudio():
                yield from self._append(event)
            case client_events.CommitAudio():
                self._input_audio.commit()
            case client_events.ClearAudio():
                self._input_audio.clear()
            case client_events.ClearOutput():
                self._playback_queue.silence()
            case client_events.CreateResponse():
                self._create_response(event)
            case client_events.CancelResponse():
                self._cancel_response(event)

    def _update_session(self, event: client_events.SessionUpdate) -> None:
        self.session = changed_session(self.session, event.session, has_spoken=self._playback_queue.has_begun)
        self._input_audio.set(self.session.audio.input)
        self._emit("session.updated", session=self.session.to_wire())

    def _create_item(self, event: client_events.CreateItem) -> None:
        item = item_from_wire(event.item, self._input_format())
        if isinstance(item, FunctionCallOutput) and not self.conversation.has_call(item.call_id):
            message = f"Tool call ID '{item.call_id}' not found in conversation."
            raise ApiError(message, "invalid_tool_call_id")
        self.conversation.add(item, after=event.previous_item_id)
        previous = self.conversation.previous_id(item.id)
        self._emit("conversation.item.added", previous_item_id=previous, item=item_to_wire(item))
        self._emit("conversation.item.done", previous_item_id=previous, item=item_to_wire(item))
        if isinstance(item, MessageItem):
            self._input_audio.transcribe(item)

    def _existing(self, item_id: str, what: str) -> Item:
        item = self.conversation.find(item_id)
        if item is None:
            message = f"Error {what}ing item: the item with id '{item_id}' does not exist."
            raise ApiError(message, f"item_{what}e_invalid_item_id", param="item_id")
        return item

    def _truncate(self, event: client_events.TruncateItem) -> None:
        item = self._existing(event.item_id, "truncat")
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
        self._respond(settings)

    def _cancel_response(self, event: client_events.CancelResponse) -> None:
        response = self._out_of_band.get(event.response_id or "")
        if response is None and self._is_responding() and event.response_id in (None, self._active().id):
            response = self._active()
        if response is None:
            raise ApiError("Cancellation failed: no active response found.", "response_cancel_not_active")
        response.cancel("client_cancelled")

    # What is heard

    def listen(self, detector: VoiceDetector) -> None:
        """Begin to listen with `detector`."""
        self._input_audio.listen(detector)

    def receive_audio(self, samples: Samples) -> None:
        """Listen to the next `samples` (16 kHz) of the person."""
        self._input_audio.receive_audio(samples)

    def _speech_started(self) -> None:
        detection = self.session.audio.input.turn_detection
        if detection is not None and detection.interrupt_response:
            if self._is_responding():
                self._active().cancel("turn_detected")
            self._playback_queue.silence()

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
        # A person who has gone on speaking gets one answer, after the last word. And noise gets none.
        speaking_on = detection.interrupt_response and self._input_audio.is_speaking
        if is_silent or (not speaking_on and self.conversation.open_questions()):
            self._respond(response_settings(self.session, self.conversation, None), prompted=not is_silent)

    # What is answered

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
            raise RuntimeError("There has been no response yet.")
        return self._response

    def _is_quiet(self) -> bool:
        return self._response is not None and self._response.done.is_set() and self._playback_queue.is_over
