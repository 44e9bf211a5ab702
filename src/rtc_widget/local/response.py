"""One response: from the question to the last word spoken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from rtc_widget.local.conversation import Conversation, Item, ItemStatus, Part
from rtc_widget.local.events import Emitter, new_id
from rtc_widget.local.mind import Mind, Question
from rtc_widget.local.outgoing import Playback, pcm_of
from rtc_widget.local.sentences import sentences
from rtc_widget.local.speech.engines import Engines
from rtc_widget.local.usage import usage_of

log = logging.getLogger(__name__)

Modality = Literal["audio", "text"]
CancelReason = Literal["turn_detected", "client_cancelled"]
CONVERSATION_ID = "conv_default"


class Voice(Protocol):
    """Where the sound goes."""

    def play(self, playback: Playback) -> None:
        """Play `playback` after those that are still playing."""
        ...


@dataclass(frozen=True, slots=True)
class ResponseSettings:
    """How a response is to be made."""

    modality: Modality = "audio"
    instructions: str = ""
    speed: float = 1.0
    voice: str | dict[str, str] = "heart"
    max_output_tokens: int | Literal["inf"] = "inf"
    metadata: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a response works with; the same for all responses of a dialogue."""

    conversation: Conversation
    mind: Mind
    engines: Engines
    emitter: Emitter
    voice: Voice


@dataclass(slots=True)
class _Answer:
    """The item that a response makes, while it is being made."""

    item_id: str
    text: str = ""
    seconds: float = 0.0
    part_type: Literal["output_text", "output_audio"] = "output_audio"

    def part(self) -> Part:
        return Part(self.part_type, self.text, self.seconds)

    def wire_part(self) -> dict[str, str]:
        # `response.content_part.*` kept the short names when the items got the long ones.
        if self.part_type == "output_audio":
            return {"type": "audio", "transcript": self.text}
        return {"type": "text", "text": self.text}


@dataclass(slots=True)
class Response:
    """Makes one response and tells of it, event by event.

    `start` it, `cancel` it, wait until it is `done`.
    """

    settings: ResponseSettings
    around: Surroundings
    id: str = field(default_factory=lambda: new_id("resp"))
    done: asyncio.Event = field(default_factory=asyncio.Event)
    playback: Playback = field(init=False)
    _answer: _Answer | None = None
    _speaking: asyncio.Task[None] | None = None
    _cancel_reason: CancelReason | None = None
    _heard: tuple[Item, ...] = ()
    _taken: tuple[Item, ...] = ()

    def __post_init__(self) -> None:
        emit = self.around.emitter.emit
        self.playback = Playback(
            on_started=lambda: emit("output_audio_buffer.started", response_id=self.id),
            on_stopped=lambda: emit("output_audio_buffer.stopped", response_id=self.id),
        )

    @property
    def item_id(self) -> str | None:
        """The id of the answer, once it has begun."""
        return self._answer.item_id if self._answer else None

    async def start(self) -> None:
        """Make the response; returns when `response.done` has been sent."""
        emit = self.around.emitter.emit
        emit("response.created", response=self._to_wire("in_progress"))
        self._heard = self.around.conversation.items
        self._speaking = asyncio.create_task(self._speak())
        if self._cancel_reason:
            self._speaking.cancel()
        try:
            await asyncio.wait({self._speaking})
        finally:
            # Only when the call ends: a response that is cancelled by its own task gets here with that done.
            self._speaking.cancel()
            self.done.set()
        self._end(self._speaking)

    def cancel(self, reason: CancelReason) -> None:
        """Stop making the response; what has been said stays said."""
        self._cancel_reason = self._cancel_reason or reason
        if self._speaking:
            self._speaking.cancel()

    async def _speak(self) -> None:
        around, settings = self.around, self.settings
        text, self._taken = around.conversation.take_question()
        question = Question(text, around.conversation, settings.instructions)
        if settings.modality == "audio":
            around.voice.play(self.playback)
        async with aclosing(sentences(around.mind.answer(question))) as said:
            async for sentence in said:
                answer = self._answer or self._begin()
                if settings.modality == "audio":
                    sound = await around.engines.speak(sentence, speed=settings.speed)
                    answer.seconds += sound.seconds
                    self.playback.write(await asyncio.to_thread(pcm_of, sound))
                answer.text += sentence
                kind = "audio_transcript" if settings.modality == "audio" else "text"
                around.emitter.emit(f"response.output_{kind}.delta", **self._place(), delta=sentence)

    def _begin(self) -> _Answer:
        answer = self._answer = _Answer(
            new_id("item"), part_type="output_audio" if self.settings.modality == "audio" else "output_text"
        )
        emit, conversation = self.around.emitter.emit, self.around.conversation
        item = Item(answer.item_id, "assistant", status="in_progress")
        conversation.add(item)
        emit("response.output_item.added", response_id=self.id, output_index=0, item=item.to_wire())
        previous = conversation.previous_id(item.id)
        emit("conversation.item.added", previous_item_id=previous, item=item.to_wire())
        emit("response.content_part.added", **self._place(), part=answer.wire_part())
        return answer

    def _end(self, speaking: asyncio.Task[None]) -> None:
        error = None if speaking.cancelled() else speaking.exception()
        status: Literal["completed", "cancelled", "failed"] = "completed"
        details: dict[str, Any] | None = None
        if self._cancel_reason and speaking.cancelled():
            status = "cancelled"
            details = {"type": "cancelled", "reason": self._cancel_reason}
            if self._answer is None:
                self.around.conversation.give_back(self._taken)
        elif error is not None:
            log.warning("response %s failed", self.id, exc_info=error)
            status = "failed"
            message = str(error) or type(error).__name__
            details = {"type": "failed", "error": {"type": "server_error", "code": "mind_failed", "message": message}}
        output = (self._end_item("completed" if status == "completed" else "incomplete"),) if self._answer else ()
        wire = self._to_wire(status, details, output)
        self.around.emitter.emit("response.done", response=wire)
        self.playback.finish()

    def _end_item(self, status: ItemStatus) -> Item:
        answer = self._answer
        if answer is None:
            raise RuntimeError("There is no item to end.")
        emit, conversation = self.around.emitter.emit, self.around.conversation
        if answer.part_type == "output_audio":
            emit("response.output_audio_transcript.done", **self._place(), transcript=answer.text)
            emit("response.output_audio.done", **self._place())
        else:
            emit("response.output_text.done", **self._place(), text=answer.text)
        emit("response.content_part.done", **self._place(), part=answer.wire_part())
        item = conversation.change(answer.item_id, parts=(answer.part(),), status=status)
        emit("response.output_item.done", response_id=self.id, output_index=0, item=item.to_wire())
        emit("conversation.item.done", previous_item_id=conversation.previous_id(item.id), item=item.to_wire())
        return item

    def _place(self) -> dict[str, Any]:
        return {"response_id": self.id, "item_id": self.item_id, "output_index": 0, "content_index": 0}

    def _to_wire(
        self, status: str, details: dict[str, Any] | None = None, output: tuple[Item, ...] = ()
    ) -> dict[str, Any]:
        settings = self.settings
        return {
            "id": self.id,
            "object": "realtime.response",
            "status": status,
            "status_details": details,
            "output": [item.to_wire() for item in output],
            "conversation_id": CONVERSATION_ID,
            "output_modalities": [settings.modality],
            "max_output_tokens": settings.max_output_tokens,
            "audio": {"output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": settings.voice}},
            "usage": None if status == "in_progress" else usage_of(self._heard, output),
            "metadata": dict(settings.metadata) if settings.metadata else None,
        }
