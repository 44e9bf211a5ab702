"""Responses delegation: the responder of the server plays the backend, with the client's tools."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from rtc_widget._aiortc.stats import CallStatistics
from rtc_widget.server.conversation import (
    MAX_ITEMS,
    MAX_SIZE,
    Conversation,
    FunctionCallItem,
    FunctionCallOutput,
    MessageItem,
    Part,
)
from rtc_widget.server.errors import ApiError
from rtc_widget.server.messages import new_id
from rtc_widget.server.protocols.live.backend_items import BackendQueue, backend_item
from rtc_widget.server.protocols.live.clock import SessionClock
from rtc_widget.server.protocols.live.output_speech import OutputSpeech
from rtc_widget.server.protocols.live.response_stream import ResponseStream, tokens_used
from rtc_widget.server.protocols.live.server_events import LiveEmitter
from rtc_widget.server.protocols.live.session_config import BackendConfig
from rtc_widget.server.responders.responder import IncompleteResponse, Question, RequestedToolCall, Responder
from rtc_widget.server.responders.sentences import sentences
from rtc_widget.server.tasks import Tasks, kind_and_place
from rtc_widget.server.tokens import text_tokens

log = logging.getLogger(__name__)

ACKNOWLEDGEMENT = "One moment."
FAILURE = "Sorry, that did not work."

QUICK_MS = 400
"""A function that returns within this time of the clock needs no spoken acknowledgement."""

MAX_REQUESTS = 16
"""Limit on `response.create` events that wait for the response in progress."""


@dataclass(slots=True)
class LiveDelegation:
    """Work that the voice has handed over.

    Attributes
    ----------
    id : str
        The id of the delegation.
    is_silenced : bool
        Whether the user interrupted what was said of it: the rest is not spoken.
    owed : set of str
        The ids of the function calls whose outputs are missing.
    """

    id: str = field(default_factory=lambda: new_id("item"))
    is_silenced: bool = False
    owed: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class SpeechContext:
    """What those who speak in a session share."""

    conversation: Conversation
    responder: Responder
    emitter: LiveEmitter
    speech: OutputSpeech
    clock: SessionClock
    tasks: Tasks
    statistics: Callable[[], Awaitable[CallStatistics]]


class Backend:
    """The backend of a session: one response at a time.

    Parameters
    ----------
    context : SpeechContext
        The shared objects of the session.
    config : callable
        Returns the settings of the backend.
    instructions : callable
        Returns the instructions of the session, for a backend without its own.
    delay_ms : callable
        Returns the wait before the spoken acknowledgement.
    """

    def __init__(
        self,
        context: SpeechContext,
        config: Callable[[], BackendConfig],
        instructions: Callable[[], str],
        delay_ms: Callable[[], int],
    ) -> None:
        self._context = context
        self._config = config
        self._instructions = instructions
        self._delay_ms = delay_ms
        self._queue = BackendQueue()
        self._current: LiveDelegation | None = None
        self._is_running = False
        self._requests: deque[str | None] = deque()
        self._known_calls: set[str] = set()
        self._delegation_ids: set[str] = set()
        self._held: list[str] = []

    @property
    def is_busy(self) -> bool:
        """Whether a response is in progress, or a function call is owed."""
        return self._is_running or (self._current is not None and bool(self._current.owed))

    def has_delegation(self, delegation_id: str) -> bool:
        """Whether a delegation has that id."""
        return delegation_id in self._delegation_ids

    def user_spoke(self, text: str) -> None:
        """Hand over what the user said; while the backend is busy, it is held."""
        self._held.append(text)
        self._release()

    def _release(self) -> None:
        if self._held and not self.is_busy:
            # Not before: the response in progress must not take it for its question.
            for text in self._held:
                self._context.conversation.add(MessageItem(new_id("item"), "user", (Part("input_audio", text),)))
            self._held.clear()
            self._begin(LiveDelegation(), None)

    def silence(self) -> None:
        """Do not speak the rest of what is being said: the user has interrupted it."""
        if self._current is not None and not self._current.owed and self._is_running:
            self._current.is_silenced = True

    def queue(self, wire: dict[str, Any]) -> None:
        """Queue an item of the client.

        Raises
        ------
        ApiError
            When it is invalid, the queue is full, or it is the output of a call that was not made.
        """
        item = backend_item(wire)
        if isinstance(item, FunctionCallOutput) and item.call_id not in self._known_calls:
            message = f"No function call with the id '{item.call_id[:80]}' is open."
            raise ApiError(message, "invalid_tool_call_id", param="item.call_id")
        conversation = self._context.conversation
        if len(conversation.items) >= MAX_ITEMS or conversation.size >= MAX_SIZE:
            raise ApiError("The conversation is too large. Begin a new session.", "conversation_too_large")
        self._queue.add(wire, item)

    def run(self, client_event_id: str | None) -> None:
        """Run the backend with the queued items: it continues its delegation, or begins a new one.

        Raises
        ------
        ApiError
            When the output of a function call is missing.
        """
        if self._is_running:
            if len(self._requests) >= MAX_REQUESTS:
                message = f"At most {MAX_REQUESTS} responses can wait for the one in progress."
                raise ApiError(message, "rate_limit_exceeded")
            self._requests.append(client_event_id)
            return
        current = self._current
        missing = current.owed - self._queue.outputs() if current is not None else set()
        if missing:
            message = f"The outputs of these function calls are missing: {', '.join(sorted(missing))}."
            raise ApiError(message, "function_call_outputs_required")
        for item in self._queue.take():
            is_repeated = isinstance(item, FunctionCallOutput) and _has_output(self._context.conversation, item.call_id)
            if not is_repeated:
                self._context.conversation.add(item)
        if current is not None and current.owed:
            current.owed.clear()
            self._start(current, client_event_id)
        else:
            self._begin(LiveDelegation(), client_event_id)

    def _begin(self, delegation: LiveDelegation, client_event_id: str | None) -> None:
        self._delegation_ids.add(delegation.id)
        self._current = delegation
        self._start(delegation, client_event_id, is_new=True)

    def _start(self, delegation: LiveDelegation, client_event_id: str | None, *, is_new: bool = False) -> None:
        def send(nested: dict[str, Any]) -> None:
            # The first event of a response acknowledges the event that asked for it.
            acknowledged = client_event_id if nested["type"] == "response.created" else None
            self._context.emitter.emit(
                "response.event", client_event_id=acknowledged, delegation_id=delegation.id, event=nested
            )

        stream = ResponseStream(self._config(), send)
        if is_new:
            wire = {"id": delegation.id, "type": "delegation", "target": "responses", "response_id": stream.id}
            self._context.emitter.emit(
                "session.delegation.created",
                client_event_id=client_event_id,
                offset_ms=self._context.clock.ms,
                delegation=wire,
            )
        self._is_running = True
        self._context.tasks.run(self._run(delegation, stream))

    async def _run(self, delegation: LiveDelegation, stream: ResponseStream) -> None:
        calls: set[str] = set()
        try:
            await self._respond(delegation, stream, calls)
        finally:
            self._is_running = False
        if calls:
            delegation.owed |= calls
            delay_ms = max(self._delay_ms(), QUICK_MS)
            self._context.clock.at(self._context.clock.ms + delay_ms, lambda: self._acknowledge(delegation))
        if self._requests:
            self._next_request()
        else:
            self._release()

    def _next_request(self) -> None:
        client_event_id = self._requests.popleft()
        try:
            self.run(client_event_id)
        except ApiError as error:
            wire = {**error.to_wire(), "client_event_id": client_event_id}
            self._context.emitter.emit("error", error=wire)

    async def _respond(self, delegation: LiveDelegation, stream: ResponseStream, calls: set[str]) -> None:
        conversation = self._context.conversation
        config = self._config()
        question = self._question(config)
        used_in = text_tokens(question.instructions) + sum(map(_tokens_of, conversation.items))
        text, used_out = "", 0
        item_id = new_id("item")
        stream.begin()
        try:
            async with aclosing(sentences(self._context.responder.respond(question))) as pieces:
                async for piece in pieces:
                    if isinstance(piece, RequestedToolCall):
                        call_id = stream.add_call(piece)
                        calls.add(call_id)
                        self._known_calls.add(call_id)
                        conversation.add(FunctionCallItem(new_id("item"), call_id, piece.name, piece.arguments))
                        used_out += text_tokens(f"{piece.name} {piece.arguments}")
                        continue
                    stream.add_text(piece)
                    text += piece
                    used_out += text_tokens(piece)
                    remember(conversation, item_id, text)
                    if not delegation.is_silenced:
                        self._context.tasks.run(self._context.speech.say(piece, item_id))
        except IncompleteResponse as error:
            self._discard(calls)
            stream.end("incomplete", usage=tokens_used(used_in, used_out), reason=error.reason)
        except Exception as error:  # noqa: BLE001 - a responder may raise anything
            log.warning("backend response %s failed: %s", stream.id, kind_and_place(error))
            self._discard(calls)
            message = str(error) or type(error).__name__
            stream.end("failed", usage=tokens_used(used_in, used_out), error=message)
            self._context.tasks.run(self._context.speech.say(FAILURE))
        else:
            stream.end("completed", usage=tokens_used(used_in, used_out))

    def _question(self, config: BackendConfig) -> Question:
        conversation = self._context.conversation
        text = conversation.question()
        conversation.take_questions()
        return Question(
            text,
            conversation,
            config.instructions or self._instructions(),
            tools=config.functions(),
            tool_choice="required" if config.must_call and not _ends_with_output(conversation) else "auto",
            parallel_tool_calls=config.parallel_tool_calls is not False,
            max_output_tokens=config.max_output_tokens,
            statistics=self._context.statistics,
        )

    def _discard(self, calls: set[str]) -> None:
        self._known_calls -= calls
        calls.clear()

    def _acknowledge(self, delegation: LiveDelegation) -> None:
        if delegation.owed and not delegation.is_silenced and not self._context.speech.is_speaking:
            self._context.tasks.run(self._context.speech.say(ACKNOWLEDGEMENT))


def remember(conversation: Conversation, item_id: str, text: str) -> None:
    """Set the text of what the assistant says in an item."""
    item = MessageItem(item_id, "assistant", (Part("output_audio", text),))
    conversation.change(item) if conversation.find(item_id) else conversation.add(item)


def _has_output(conversation: Conversation, call_id: str) -> bool:
    return any(isinstance(item, FunctionCallOutput) and item.call_id == call_id for item in conversation.items)


def _ends_with_output(conversation: Conversation) -> bool:
    # Otherwise a backend that must call a function would never say what it returned.
    return bool(conversation.items) and isinstance(conversation.items[-1], FunctionCallOutput)


def _tokens_of(item: object) -> int:
    match item:
        case MessageItem():
            return text_tokens(item.text)
        case FunctionCallItem():
            return text_tokens(f"{item.name} {item.arguments}")
        case FunctionCallOutput():
            return text_tokens(item.output)
    return 0
