"""The voice of a session: it responds itself, hands work over to the client, and says what the client adds."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import aclosing

from rtc_widget.server.conversation import MessageItem, Part
from rtc_widget.server.errors import ApiError
from rtc_widget.server.messages import new_id
from rtc_widget.server.protocols.live.appended_text import (
    commentary_request,
    instruction_request,
    speaks_of_backend,
    typed_words,
)
from rtc_widget.server.protocols.live.backend import ACKNOWLEDGEMENT, FAILURE, SpeechContext, remember
from rtc_widget.server.protocols.live.session_config import LiveConfig
from rtc_widget.server.responders.responder import Question, RequestedToolCall
from rtc_widget.server.responders.sentences import sentences
from rtc_widget.server.tasks import kind_and_place

log = logging.getLogger(__name__)

MAX_ADDED_TEXTS = 100
"""Appended instructions and context that the voice keeps; the oldest are dropped."""


class Voice:
    """The responder of the server as the voice of a session.

    Parameters
    ----------
    context : SpeechContext
        The shared objects of the session.
    config : callable
        Returns the settings of the session.
    """

    def __init__(self, context: SpeechContext, config: Callable[[], LiveConfig]) -> None:
        self._context = context
        self._config = config
        self._typed = ""
        self._added: deque[str] = deque(maxlen=MAX_ADDED_TEXTS)
        self._reply: asyncio.Task[None] | None = None
        self._unsaid: set[str] = set()
        self._delegation_ids: set[str] = set()

    @property
    def is_replying(self) -> bool:
        """Whether a reply is being made, or the client owes one."""
        return bool(self._unsaid) or (self._reply is not None and not self._reply.done())

    @property
    def instructions(self) -> str:
        """The instructions of the session, and what the client has added."""
        return "\n\n".join([self._config().prompt, *self._added])

    def has_delegation(self, delegation_id: str) -> bool:
        """Whether a delegation has that id."""
        return delegation_id in self._delegation_ids

    def user_spoke(self, text: str) -> None:
        """Respond to what the user said, or hand it over to the client."""
        self._context.conversation.add(MessageItem(new_id("item"), "user", (Part("input_audio", text),)))
        if speaks_of_backend(self._config().prompt):
            self._delegate()
        else:
            self._respond()

    def interrupt(self) -> None:
        """Stop speaking; the conversation keeps the words that were played."""
        conversation = self._context.conversation
        if self._reply is not None and not self._reply.done():
            self._reply.cancel()
        for item_id, played in self._context.speech.stop().items():
            remember(conversation, item_id, played)

    # What the client adds

    def add_instructions(self, content: str) -> None:
        """Take the word of the developer, and do at once what it asks for."""
        request = instruction_request(content)
        if request.kind == "say":
            self._say(request.words)
        elif request.kind == "stop":
            self.interrupt()
        elif request.kind == "greet":
            self._respond(prompted=False, instructions=content)
        else:
            self._added.append(content)

    def add_thinking(self, content: str) -> None:
        """Take context; nothing is spoken."""
        self._typed = typed_words(content) or self._typed
        self._added.append(content)

    def add_commentary(self, content: str, delegation_id: str | None) -> None:
        """Say what the client has added; it may be the result of a delegation."""
        if delegation_id is not None:
            self._unsaid.discard(delegation_id)
        request = commentary_request(content)
        if request.kind == "say":
            self._say(request.words)
            return
        words, self._typed = request.words or self._typed, ""
        if words:
            self._context.conversation.add(MessageItem(new_id("item"), "user", (Part("input_text", words),)))
        self._respond()

    def _say(self, words: str) -> None:
        item_id = new_id("item")
        remember(self._context.conversation, item_id, words)
        self._context.tasks.run(self._context.speech.say(words, item_id))

    # Client delegation

    def _delegate(self) -> None:
        self._context.conversation.take_questions()
        delegation_id = new_id("item")
        self._delegation_ids.add(delegation_id)
        self._unsaid = {delegation_id}  # the work before it may still come, but nobody waits for it
        clock = self._context.clock
        wire = {"id": delegation_id, "type": "delegation", "target": "client"}
        self._context.emitter.emit("session.delegation.created", offset_ms=clock.ms, delegation=wire)
        clock.at(clock.ms + self._config().acknowledgement_delay_ms, lambda: self._acknowledge(delegation_id))

    def _acknowledge(self, delegation_id: str) -> None:
        if delegation_id in self._unsaid and not self._context.speech.is_speaking:
            self._context.tasks.run(self._context.speech.say(ACKNOWLEDGEMENT))

    # Replies of its own

    def _respond(self, *, prompted: bool = True, instructions: str = "") -> None:
        before = self._reply
        if before is not None and not before.done():
            before.cancel()
        self._reply = self._context.tasks.run(self._run_reply(before, prompted=prompted, instructions=instructions))

    async def _run_reply(self, before: asyncio.Task[None] | None, *, prompted: bool, instructions: str) -> None:
        if before is not None:
            await asyncio.wait({before})  # it may give back its questions
        conversation = self._context.conversation
        question = Question(
            conversation.question() if prompted else "",
            conversation,
            "\n\n".join(filter(None, [self.instructions, instructions])),
            statistics=self._context.statistics,
        )
        taken = conversation.take_questions() if prompted else ()
        item_id, text = new_id("item"), ""
        try:
            async with aclosing(sentences(self._context.responder.respond(question))) as pieces:
                async for piece in pieces:
                    if not isinstance(piece, RequestedToolCall):
                        text += piece
                        remember(conversation, item_id, text)
                        await self._context.speech.say(piece, item_id)
        except asyncio.CancelledError:
            if not text:
                conversation.give_back(taken)
            raise
        except Exception as error:  # noqa: BLE001 - a responder may raise anything
            log.warning("a reply failed: %s", kind_and_place(error))
            failure = ApiError(str(error) or type(error).__name__, "responder_failed", kind="server_error")
            self._context.emitter.emit("error", error={**failure.to_wire(), "client_event_id": None})
            await self._context.speech.say(FAILURE)
