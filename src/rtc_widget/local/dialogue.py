"""One conversation over one call: what the client sends, what is heard, what is answered."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from rtc_widget.local.conversation import Conversation, Item, Part, item_from_wire
from rtc_widget.local.events import Emitter, new_id
from rtc_widget.local.foresight import Foresight
from rtc_widget.local.mind import Mind
from rtc_widget.local.refusal import Refusal
from rtc_widget.local.response import Response, ResponseSettings, Surroundings, Voice
from rtc_widget.local.response_settings import response_settings
from rtc_widget.local.session import Session, changed_session
from rtc_widget.local.speech import HEARING_RATE, Samples, VoiceDetector
from rtc_widget.local.speech.engines import Engines
from rtc_widget.local.turn_detection import SpeechPaused, SpeechStarted, SpeechStopped, TurnDetector

log = logging.getLogger(__name__)


class Dialogue:
    """The protocol's side of a call; knows no connection, only messages and samples.

    Parameters
    ----------
    session : Session
        What the call began with.
    engines, mind
        What hears and speaks, and what thinks.
    send : callable
        Takes one message for the client.
    voice : Voice
        Where the sound goes.
    """

    def __init__(
        self, session: Session, *, engines: Engines, mind: Mind, send: Callable[[str], None], voice: Voice
    ) -> None:
        self.session = session
        self.conversation = Conversation()
        self._emitter = Emitter(send)
        self._emit = self._emitter.emit
        self._foresight = Foresight(engines)
        self._around = Surroundings(self.conversation, mind, engines, self._emitter, voice)
        self._turns: TurnDetector | None = None
        self._turn_item_id = ""
        self._response: Response | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "session.update": self._update_session,
            "conversation.item.create": self._create_item,
            "response.create": self._create_response,
            "response.cancel": self._cancel_response,
            "output_audio_buffer.clear": self._clear_output,
        }

    def begin(self) -> None:
        """Tell the client that the session is there."""
        self._emit("session.created", session=self.session.to_wire())

    async def end(self) -> None:
        """Stop everything that is still going on."""
        self._foresight.drop()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # What the client sends

    def receive(self, message: str | bytes) -> None:
        """Take one message of the client; a bad one is answered by an `error` event and changes nothing."""
        event: dict[str, Any] = {}
        try:
            event = _decoded(message)
            handler = self._handlers.get(event["type"])
            if handler is None:
                known = ", ".join(self._handlers)
                what = f"The local server does not take '{event['type'][:80]}'. It takes: {known}."
                raise Refusal(what, "invalid_value", param="type")
            handler(event)
        except Refusal as refusal:
            event_id = event.get("event_id")
            shown = event_id if isinstance(event_id, str) else None
            self._emit("error", error={**refusal.to_wire(), "event_id": shown})
        except Exception:
            # Let through, it would end the data channel's reader and with it the call.
            log.exception("an event could not be handled")
            self.fail(f"The server failed over '{event.get('type')}'; its log says more.", "server_error")

    def fail(self, message: str, code: str) -> None:
        """Tell the client of a fault that is not its own."""
        refusal = Refusal(message, code, kind="server_error")
        self._emit("error", error={**refusal.to_wire(), "event_id": None})

    def _update_session(self, event: dict[str, Any]) -> None:
        self.session = changed_session(self.session, event.get("session"))
        self._set_turn_detection()
        self._emit("session.updated", session=self.session.to_wire())

    def _create_item(self, event: dict[str, Any]) -> None:
        item = item_from_wire(event.get("item"))
        self.conversation.add(item, after=event.get("previous_item_id"))
        previous = self.conversation.previous_id(item.id)
        self._emit("conversation.item.added", previous_item_id=previous, item=item.to_wire())
        self._emit("conversation.item.done", previous_item_id=previous, item=item.to_wire())

    def _create_response(self, event: dict[str, Any]) -> None:
        settings = response_settings(self.session, event.get("response"))
        if self._is_responding():
            raise Refusal(
                f"Conversation already has an active response in progress: {self._active().id}. "
                "Wait until the response is finished before creating a new one.",
                "conversation_already_has_active_response",
            )
        self._respond(settings)

    def _cancel_response(self, event: dict[str, Any]) -> None:
        wanted = event.get("response_id")
        if not self._is_responding() or wanted not in (None, self._active().id):
            raise Refusal("Cancellation failed: no active response found.", "response_cancel_not_active")
        self._active().cancel("client_cancelled")

    def _clear_output(self, event: dict[str, Any]) -> None:
        self._silence()

    # What is heard

    def listen(self, detector: VoiceDetector) -> None:
        """Begin to listen with `detector`."""
        self._turns = TurnDetector(detector)
        self._set_turn_detection()

    def hear(self, samples: Samples) -> None:
        """Listen to the next `samples` (16 kHz) of the person."""
        if self._turns is None or self.session.audio.input.turn_detection is None:
            return
        for event in self._turns.hear(samples):
            match event:
                case SpeechStarted():
                    self._speech_started(event)
                case SpeechPaused(samples):
                    self._foresight.recognize(samples)
                case SpeechStopped():
                    self._speech_stopped(event)

    def _set_turn_detection(self) -> None:
        wanted = self.session.audio.input.turn_detection
        if self._turns is None:
            return
        if wanted is None:
            self._turns.forget()
        else:
            self._turns.settings = wanted.turns()

    def _speech_started(self, event: SpeechStarted) -> None:
        self._turn_item_id = new_id("item")
        self._emit("input_audio_buffer.speech_started", audio_start_ms=event.start_ms, item_id=self._turn_item_id)
        detection = self.session.audio.input.turn_detection
        if detection is not None and detection.interrupt_response:
            if self._is_responding():
                self._active().cancel("turn_detected")
            self._silence(truncate=True)

    def _speech_stopped(self, event: SpeechStopped) -> None:
        item_id = self._turn_item_id
        self._emit("input_audio_buffer.speech_stopped", audio_end_ms=event.end_ms, item_id=item_id)
        previous = self.conversation.last_id
        self._emit("input_audio_buffer.committed", previous_item_id=previous, item_id=item_id)
        seconds = len(event.samples) / HEARING_RATE
        item = Item(item_id, "user", (Part("input_audio", None, seconds),))
        self.conversation.add(item)
        self._emit("conversation.item.added", previous_item_id=previous, item=item.to_wire())
        self._emit("conversation.item.done", previous_item_id=previous, item=item.to_wire())
        self._run(self._take_turn(item_id, event.samples))

    async def _take_turn(self, item_id: str, samples: Samples) -> None:
        heard = await self._recognize(item_id, samples)
        if heard is None:
            return
        detection = self.session.audio.input.turn_detection
        if detection is None or not detection.create_response:
            return
        while self._is_responding():
            await self._active().done.wait()
        # A person who has gone on speaking gets one answer, after the last word. And noise gets none.
        speaking_on = detection.interrupt_response and self._turns is not None and self._turns.is_speaking
        if not speaking_on and self.conversation.open_questions():
            self._respond(response_settings(self.session, None))

    async def _recognize(self, item_id: str, samples: Samples) -> str | None:
        event = "conversation.item.input_audio_transcription"
        place = {"item_id": item_id, "content_index": 0}
        is_told = self.session.audio.input.transcription is not None
        try:
            text = await self._foresight.result(samples)
        except Exception as error:
            log.warning("recognition failed", exc_info=error)
            if is_told:
                wire = {"type": "server_error", "code": "recognition_failed", "message": str(error), "param": None}
                self._emit(f"{event}.failed", **place, error=wire)
            return None
        seconds = len(samples) / HEARING_RATE
        self.conversation.change(item_id, parts=(Part("input_audio", text, seconds),))
        if is_told:
            if text:
                self._emit(f"{event}.delta", **place, delta=text)
            usage = {"type": "duration", "seconds": round(seconds, 3)}
            self._emit(f"{event}.completed", **place, transcript=text, usage=usage)
        return text

    # What is answered

    def _respond(self, settings: ResponseSettings) -> None:
        self._response = Response(settings, self._around)
        self._run(self._response.start())

    def _is_responding(self) -> bool:
        return self._response is not None and not self._response.done.is_set()

    def _active(self) -> Response:
        if self._response is None:
            raise RuntimeError("There has been no response yet.")
        return self._response

    def _silence(self, *, truncate: bool = False) -> None:
        """Stop the sound of the last response at once."""
        response = self._response
        if response is None or response.playback.is_over:
            return
        response.playback.clear()
        if not response.playback.has_started:
            return
        self._run(self._tell_silence(response, truncate))

    async def _tell_silence(self, response: Response, truncate: bool) -> None:
        # In the protocol's order: first `response.done`, then the news of the sound.
        await response.done.wait()
        self._emit("output_audio_buffer.cleared", response_id=response.id)
        if truncate and response.item_id:
            heard = response.playback.played_ms
            self._emit("conversation.item.truncated", item_id=response.item_id, content_index=0, audio_end_ms=heard)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task of the dialogue failed", exc_info=error)


def _decoded(message: str | bytes) -> dict[str, Any]:
    if isinstance(message, bytes):
        raise Refusal("Events are text messages, not binary ones.", "invalid_value")
    try:
        event = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise Refusal(f"The event is not valid JSON: {error}.", "invalid_json") from None
    if not isinstance(event, dict):
        raise Refusal("An event is a JSON object.", "invalid_value")
    if not isinstance(event.get("type"), str):
        raise Refusal("Missing required parameter: 'type'.", "missing_required_parameter", param="type")
    return event
