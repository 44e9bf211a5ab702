"""One response, from the question to the end of its audio."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget._aiortc.stats import CallStatistics
from rtc_widget.server.audio_outputs import AudioSink, ResponseAudio
from rtc_widget.server.conversation import Conversation, Item, ItemStatus, MessageItem
from rtc_widget.server.messages import new_id
from rtc_widget.server.protocols.realtime.items import item_to_wire
from rtc_widget.server.protocols.realtime.response_config import ResponseSettings
from rtc_widget.server.protocols.realtime.response_items import CallDraft, Draft, ItemContext, MessageDraft
from rtc_widget.server.protocols.realtime.server_events import Emitter
from rtc_widget.server.protocols.realtime.usage import ASSISTANT_TOKENS_PER_SECOND, audio_tokens, usage_of
from rtc_widget.server.responders.responder import IncompleteResponse, Question, RequestedToolCall, Responder
from rtc_widget.server.responders.sentences import has_words, sentences
from rtc_widget.server.speech.speculative_speaker import SpeculativeSpeaker
from rtc_widget.server.speech.subprocess_engines import EngineFailed
from rtc_widget.server.tasks import kind_and_place
from rtc_widget.server.tokens import text_tokens

log = logging.getLogger(__name__)

CancelReason = Literal["turn_detected", "client_cancelled"]
ResponseStatus = Literal["in_progress", "completed", "cancelled", "failed", "incomplete"]


@dataclass(frozen=True, slots=True)
class ResponseContext:
    """The objects that all responses of a session share."""

    conversation: Conversation
    conversation_id: str
    responder: Responder
    speaker: SpeculativeSpeaker
    emitter: Emitter
    sink: AudioSink
    until_recognized: Callable[[], Awaitable[None]]
    statistics: Callable[[], Awaitable[CallStatistics]]


@dataclass(slots=True)
class Response:
    """Creates one response and sends its events.

    Call `start` and `cancel`, and wait for `done`.

    Parameters
    ----------
    settings : ResponseSettings
        The settings of the response.
    context : ResponseContext
        The shared objects of the session.
    prompted : bool
        Whether the user said something. After an idle timeout this is False, and the responder gets no text.
    """

    settings: ResponseSettings
    context: ResponseContext
    prompted: bool = True
    id: str = field(default_factory=lambda: new_id("resp"))
    done: asyncio.Event = field(default_factory=asyncio.Event)
    output_audio: ResponseAudio = field(init=False)
    _drafts: list[Draft] = field(default_factory=list)
    _message: MessageDraft | None = None
    _finished: list[Item] = field(default_factory=list)
    _task: asyncio.Task[None] | None = None
    _cancel_reason: CancelReason | None = None
    _input_items: tuple[Item, ...] = ()
    _taken: tuple[MessageItem, ...] = ()
    _limit: TokenLimit = field(init=False)
    _has_unspoken_text: bool = False
    _known: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.output_audio = self.context.sink.open(self.id, self.settings.output_format.audio_format())
        self._limit = TokenLimit(self.settings.max_output_tokens)
        # Later items belong to the next response.
        self._known = frozenset(item.id for item in self.context.conversation.items)

    @property
    def is_cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancel_reason is not None

    @property
    def has_audio(self) -> bool:
        """Whether the response has audio, played or not."""
        return any(message.seconds for message in self._messages())

    def interrupted_messages(self) -> list[tuple[str, int]]:
        """Return the ids of messages whose playback was interrupted, and how many milliseconds of each were played."""
        cut: list[tuple[str, int]] = []
        played_ms = self.output_audio.played_ms
        spoken = [message for message in self._messages() if message.seconds]
        for message in spoken:
            ms = round(message.seconds * 1000)
            # After an interruption between two sentences, the last message is incomplete although its audio was played.
            if played_ms < ms or message is spoken[-1]:
                cut.append((message.item_id, min(ms, played_ms)))
            played_ms = max(0, played_ms - ms)
        return cut

    def _messages(self) -> list[MessageDraft]:
        return [draft for draft in self._drafts if isinstance(draft, MessageDraft)]

    async def start(self) -> None:
        """Create the response; returns after `response.done`."""
        emit = self.context.emitter.emit
        try:
            emit("response.created", response=self._to_wire("in_progress"))
            # The server has no rate limits, but some clients wait for this event.
            emit("rate_limits.updated", rate_limits=[])
            self._task = asyncio.create_task(self._make())
            if self._cancel_reason:
                self._task.cancel()
            try:
                await asyncio.wait({self._task})
            finally:
                # If the call ends, this task is cancelled while the other one still runs.
                self._task.cancel()
                self.done.set()
            self._end(self._task)
        finally:
            # Otherwise this response would hold up every later one and its audio.
            self.done.set()
            self.output_audio.finish()

    def cancel(self, reason: CancelReason) -> None:
        """Stop the response; its finished output stays."""
        self._cancel_reason = self._cancel_reason or reason
        if self._task:
            self._task.cancel()

    async def _make(self) -> None:
        question = await self._question()
        async with aclosing(sentences(self.context.responder.respond(question))) as pieces:
            async for piece in pieces:
                if isinstance(piece, RequestedToolCall):
                    self._call(piece)
                else:
                    await self._add_text(piece)

    async def _question(self) -> Question:
        settings = self.settings
        # The recogniser may still be working on the last turn.
        await self.context.until_recognized()
        conversation = self.context.conversation.part(self._known)
        if settings.input is not None:
            conversation = Conversation(settings.input)
        self._input_items = conversation.items
        text = conversation.question() if self.prompted else ""
        if settings.input is None and not settings.is_out_of_band:
            self._taken = conversation.take_questions()
        limit = settings.max_output_tokens
        return Question(
            text,
            conversation,
            settings.instructions,
            tools=settings.tools,
            tool_choice=settings.tool_choice,
            parallel_tool_calls=settings.parallel_tool_calls,
            max_output_tokens=None if limit == "inf" else limit,
            statistics=self.context.statistics,
        )

    async def _add_text(self, text: str) -> None:
        draft = self._message or self._begin_message()
        if self.settings.modality == "text":
            allowed = self._limit.allowed_text(text)
            if allowed:
                draft.add_text(allowed)
            await asyncio.sleep(0)  # a long text has many parts
        else:
            audio = await self.context.speaker.speak(text, voice=self.settings.voice, speed=self.settings.speed)
            if not audio.seconds and has_words(text):
                self._warn_of_unspoken_text()
            allowed, audio = self._limit.allowed_speech(text, audio)
            if allowed:
                await self.output_audio.write(audio, draft.place())
                draft.add_text(allowed, audio.seconds)
        if self._limit.is_reached:
            raise IncompleteResponse("max_output_tokens")

    def _warn_of_unspoken_text(self) -> None:
        # Once for each response, and without the text, which is the user's.
        if not self._has_unspoken_text:
            self._has_unspoken_text = True
            log.warning(
                "response %s: the voice %r has no sound for a part of the text; it is sent as text only",
                self.id,
                self.settings.voice,
            )

    def _begin_message(self) -> MessageDraft:
        self._message = MessageDraft(self._item_context(), len(self._drafts), self.settings.modality)
        self._drafts.append(self._message)
        return self._message

    def _call(self, call: RequestedToolCall) -> None:
        self._end_open_draft("completed")
        if not self._limit.allows_call(f"{call.name} {call.arguments}"):
            raise IncompleteResponse("max_output_tokens")
        draft = CallDraft(self._item_context(), len(self._drafts), call)
        self._drafts.append(draft)
        self._end_open_draft("completed")

    def _item_context(self) -> ItemContext:
        conversation = None if self.settings.is_out_of_band else self.context.conversation
        return ItemContext(self.id, self.context.emitter, conversation)

    def _end_open_draft(self, status: ItemStatus) -> None:
        if len(self._finished) < len(self._drafts):
            self._finished.append(self._drafts[-1].end(status))
            self._message = None

    def _end(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        status: ResponseStatus = "completed"
        details: dict[str, Any] | None = None
        if self._cancel_reason and task.cancelled():
            status = "cancelled"
            details = {"type": "cancelled", "reason": self._cancel_reason}
            if not self._drafts:
                self.context.conversation.give_back(self._taken)
        elif isinstance(error, IncompleteResponse):
            status = "incomplete"
            details = {"type": "incomplete", "reason": error.reason}
        elif error is not None:
            # Without the text of the error, which may quote the user.
            log.warning("response %s failed: %s", self.id, kind_and_place(error))
            status = "failed"
            message = str(error) or type(error).__name__
            code = "speech_failed" if isinstance(error, EngineFailed) else "responder_failed"
            details = {"type": "failed", "error": {"type": "server_error", "code": code, "message": message}}
        self._end_open_draft("completed" if status == "completed" else "incomplete")
        self.context.emitter.emit("response.done", response=self._to_wire(status, details))

    def _to_wire(self, status: ResponseStatus, details: dict[str, Any] | None = None) -> dict[str, Any]:
        settings = self.settings
        return {
            "id": self.id,
            "object": "realtime.response",
            "status": status,
            "status_details": details,
            "output": [item_to_wire(item) for item in self._finished],
            "conversation_id": None if settings.is_out_of_band else self.context.conversation_id,
            "output_modalities": [settings.modality],
            "max_output_tokens": settings.max_output_tokens,
            "audio": {"output": {"format": settings.output_format.model_dump(), "voice": settings.voice}},
            "usage": None if status == "in_progress" else usage_of(self._input_items, self._finished),
            "metadata": dict(settings.metadata) if settings.metadata else None,
        }


class TokenLimit:
    """Counts the tokens of a response, as `usage` does, and cuts the output at a limit.

    Parameters
    ----------
    limit : int or "inf"
        The largest number of tokens.
    """

    def __init__(self, limit: int | Literal["inf"]) -> None:
        self._left: float = float("inf") if limit == "inf" else limit
        self.is_reached = False

    def allowed_text(self, text: str) -> str:
        """Return `text`, cut at the limit."""
        while text_tokens(text) > self._left:
            self.is_reached = True
            text = text.rstrip()[:-1]
        self._left -= text_tokens(text)
        return text

    def allowed_speech(self, text: str, audio: MonoAudio) -> tuple[str, MonoAudio]:
        """Return `text` and its `audio`, both cut at the limit."""
        cost = text_tokens(text) + audio_tokens(audio.seconds, per_second=ASSISTANT_TOKENS_PER_SECOND)
        if cost <= self._left:
            self._left -= cost
            return text, audio
        self.is_reached = True
        share = max(0.0, self._left - 1) / cost  # one token less, because of rounding
        self._left = 0
        kept = text[: int(len(text) * share)]
        return kept, MonoAudio(audio.samples[: int(len(audio.samples) * share)], audio.rate)

    def allows_call(self, text: str) -> bool:
        """Return whether a tool call is within the limit; a call is never cut."""
        cost = text_tokens(text)
        self.is_reached = cost > self._left
        self._left -= cost
        return not self.is_reached
