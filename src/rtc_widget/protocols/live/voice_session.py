"""The session of a widget by GPT-Live."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import Fact, ResponseEnded
from rtc_widget.conversation.json_object import fields_of
from rtc_widget.conversation.transcript import Transcript
from rtc_widget.conversation.turn import FunctionResult, Turn
from rtc_widget.errors import (
    EventRefused,
    InvalidImage,
    InvalidSession,
    InvalidTool,
    MessageTooLarge,
    NotConnected,
    RtcWidgetError,
    WaitTimeout,
)
from rtc_widget.kernel.main_loop import wait_with_grace
from rtc_widget.protocols.base import (
    Channel,
    ClientEvent,
    Detail,
    Item,
    Later,
    RequestedResponse,
    Send,
    SessionOptions,
)
from rtc_widget.protocols.live import client_events
from rtc_widget.protocols.live.backend import BackendRequest, ServiceBackend
from rtc_widget.protocols.live.client_work import ClientWork
from rtc_widget.protocols.live.clock import ObservedClock
from rtc_widget.protocols.live.delegations import Delegation, Delegations
from rtc_widget.protocols.live.early_events import EarlyEvents
from rtc_widget.protocols.live.facts import SOUND
from rtc_widget.protocols.live.input_queue import InputQueue
from rtc_widget.protocols.live.numbers import milliseconds
from rtc_widget.protocols.live.pending import Acknowledgements, refused_id
from rtc_widget.protocols.live.questions import QUIET_SECONDS, Questions, WrittenQuestion, spoken_turn
from rtc_widget.protocols.live.session import LiveSettings
from rtc_widget.protocols.live.session_settings import NEEDS_MODEL, changed_settings
from rtc_widget.protocols.realtime.session_settings import merged

logger = logging.getLogger("rtc_widget")

NO_TOOLS = "The voice model of GPT-Live calls no functions. "
_ACKNOWLEDGED_BY: Mapping[str, str] = {
    "session.update": "session.updated",
    "session.close": "session.closed",
    "session.instructions.append": "session.instructions.appended",
    "session.thinking.append": "session.thinking.appended",
    "session.commentary.append": "session.commentary.appended",
}


class LiveSession:
    """Sends the client events of one widget and waits for the server's; see `rtc_widget.protocols.base.VoiceSession`.

    Parameters
    ----------
    send : callable
        Sends events over the data channel.
    later : callable
        Calls a function on the main loop after a time.
    options : SessionOptions
        The backend.
    """

    def __init__(self, send: Send, later: Later, options: SessionOptions) -> None:
        self._options = options
        self._outbox = EarlyEvents(send, later)
        self._backend = ServiceBackend(self._post)
        self._input = InputQueue(self._outbox.send)
        self._acknowledgements = Acknowledgements()
        self._clock = ObservedClock()
        self._delegations = [Delegations()]
        self._questions = Questions(lambda: self._delegations[-1].is_open, self._backend.give_up)
        self._work = ClientWork(options, self._post, lambda: self._delegations[-1], later)
        self._numbers = itertools.count(1)
        self._calls = 0
        self._is_audible = False
        self._words_at = -QUIET_SECONDS
        self._tool_names: set[str] = set()
        self.settings: LiveSettings | None = None
        # What was changed since the first of the calls that resume each other.
        self._changes: dict[str, Any] = {}

    # Events

    def begin_call(self, *, resumes: bool) -> None:
        """Begin another call."""
        self.end_call()
        if resumes and (dropped := self._delegations[-1].dropped):
            logger.warning(
                "The new session does not know the work that was handed over in the one before: %d delegation(s) "
                "were dropped (%s). Ask again for what is still needed.",
                len(dropped),
                ", ".join(dropped),
            )
        self._calls += 1
        self._changes = self._changes if resumes else {}
        self._clock = ObservedClock()
        self._delegations.append(Delegations(self._calls)) if self._calls > 1 else None
        self._outbox.begin_call()
        self._work.begin_call(resumes=resumes)

    def consume(self, event: Event, facts: Sequence[Fact]) -> None:
        """Process the next event."""
        raw = fields_of(event)
        if event.direction == "sent":
            if event.type in _ACKNOWLEDGED_BY and isinstance(event_id := raw.get("event_id"), str):
                self._acknowledgements.sent(event_id, _ACKNOWLEDGED_BY[event.type])
        else:
            self._received(event, raw)
        self._delegations[-1].add(raw)
        self._input.consume(event)
        self._backend.consume(event)
        self._work.consume(event)
        self._questions.record_time(event.elapsed)
        if event.type == "session.output_transcript.delta":
            self._words_at = time.monotonic()
            self._questions.record_words(milliseconds(raw.get("end_ms")) or self._clock.now)
        self._questions.notify()

    def _received(self, event: Event, raw: Mapping[str, Any]) -> None:
        if event.type == SOUND:
            self._is_audible = raw.get("speaker") == "assistant" and bool(raw.get("is_audible"))
            return
        if event.type in ("session.started", "session.updated") and isinstance(raw.get("session"), dict):
            self.settings = LiveSettings(raw["session"])
        self._clock.consume(raw)
        self._outbox.received(event.type)
        self._acknowledgements.consume(event)
        if (refused := refused_id(raw)) is not None:
            self._questions.fail(lambda question: refused in question.event_ids, EventRefused.by(event))

    def end_call(self) -> None:
        """End the call; everything that is pending fails."""
        self._outbox.end_call()
        self._acknowledgements.end_call()
        self._backend.end_call()
        self._input.end_call()
        self._delegations[-1].end()
        self._work.end_call()
        self._questions.end_call()
        self._is_audible, self._words_at = False, -QUIET_SECONDS

    def _post(self, events: Sequence[ClientEvent], failed: Callable[[RtcWidgetError], None]) -> None:
        self._input.send(events, failed)

    # Questions

    @property
    def _has_backend(self) -> bool:
        """Whether the service runs a backend in this session; before it has started, whether one is wanted."""
        delegation = None if self.settings is None else self.settings.raw.get("delegation")
        if isinstance(delegation, dict) and isinstance(delegation.get("type"), str):
            return bool(delegation["type"] == "responses")
        return self._options.takes_tools

    def user_message(self, text: str, image_url: str | None = None, detail: Detail = "auto") -> Item:
        """Return a user's message as an item of the backend's input."""
        if image_url is not None and not self._has_backend:
            raise InvalidImage("The voice model of GPT-Live sees no images; only a backend does.", hint=NEEDS_MODEL)
        return client_events.user_message(text, image_url, detail)

    def events_of(self, item: Item) -> Sequence[ClientEvent]:
        """Return the events that add an item.

        Raises
        ------
        MessageTooLarge
            If nothing but the voice model gets the text, and it is too long for it.
        """
        if self._has_backend:
            return [client_events.create_item(item)]
        text = client_events.text_of(item)
        tokens = client_events.estimated_tokens(text)
        if self._options.delegate is None and tokens > client_events.MAX_TOKENS:
            raise MessageTooLarge(
                f"A text for the voice model must have at most {client_events.MAX_TOKENS} tokens, got about {tokens}.",
                hint="Use a backend, which takes longer texts: OpenAILive(backend=…).",
            )
        return [client_events.append("thinking", client_events.shortened(client_events.TYPED + text))]

    def ask(self, item: Item) -> RequestedResponse:
        """Tell the voice model what was typed, and let the backend, or else the voice model, respond."""
        text, key = client_events.text_of(item), f"question_{next(self._numbers)}"
        note = client_events.append("thinking", client_events.shortened(client_events.TYPED + text))
        notes = [note] if text else []
        if self._has_backend:
            # The voice may leave out a short result of the backend if it does not know the question.
            request = self._backend.request([*notes, client_events.create_item(item), client_events.create_response()])
            question = WrittenQuestion(key, request.event_id, self._clock.now, request=request)
        elif self._options.delegate is not None:
            question = self._posted(key, notes)
            question.work = self._work.start(text)
            return question
        else:
            return self._posted(key, [*notes, client_events.append("commentary", client_events.REPLY)])
        self._questions.add(question)
        return question

    def _posted(self, key: str, events: Sequence[ClientEvent]) -> WrittenQuestion:
        """Send the events of a question that the service's backend does not get."""
        ids = [str(event["event_id"]) for event in events]
        question = WrittenQuestion(key, ids[0], self._clock.now, event_ids=frozenset(ids))
        # Before the events are sent: an error may come at once.
        self._questions.add(question)
        try:
            self._post(events, lambda error: self._fail(question, error))
        except Exception:
            self._questions.remove(key)
            raise
        return question

    def _fail(self, question: WrittenQuestion, error: RtcWidgetError) -> None:
        self._questions.fail(lambda one: one is question, error)

    def add(self, item: Item) -> str:
        """Add an item without requesting a response."""
        events = self.events_of(item)
        self._post(events, lambda error: None)
        return str(events[0]["event_id"])

    async def response_of(self, pending: RequestedResponse) -> str:
        """Return the id of the question; for the continuation after functions, wait for it to begin."""
        if isinstance(pending, WrittenQuestion):
            return pending.id
        assert isinstance(pending, BackendRequest)  # noqa: S101 - made by this session
        try:
            while not pending.is_settled:
                await self._questions.changed()
        finally:
            self._backend.give_up(pending)
        if pending.failure is not None:
            raise pending.failure
        return pending.event_id

    def progress_of(self, pending: RequestedResponse) -> str:
        """Return a clause on what a requested response waits for."""
        return self._progress() if not isinstance(pending, WrittenQuestion) else self.progress_of_response(pending.id)

    def progress_of_response(self, response_id: str) -> str:
        """Return the same for a question."""
        question = self._questions.get(response_id)
        if question is not None and question.words_at is not None:
            return f"the voice has spoken, and {self._progress()}"
        return f"nothing was spoken, and {self._progress()}"

    def _progress(self) -> str:
        backend = self._backend.progress
        if not backend and self._delegations[-1].is_open:
            backend = "the work that the voice has handed over is not done"
        return f"{backend or 'nothing is reported to be in progress'}.{self._clock.progress}".rstrip(".")

    async def end_of(self, response_id: str) -> ResponseEnded:
        """Wait until the voice has answered a question: the backend is done, and the voice has been quiet."""
        return await self._questions.end_of(response_id, lambda: self._clock.now)

    async def spoken(self, response_id: str, *, begins_within: float) -> None:
        """Return at once: `end_of` waits for the voice."""

    def was_audible(self, response_id: str) -> bool:
        """Return True: all words are spoken."""
        return True

    def is_out_of_band(self, response_id: str) -> bool:
        """Return False: there are no such responses."""
        return False

    def turn_of(self, response_id: str, transcript: Transcript) -> Turn | None:
        """Return what the voice has said since a question, as one turn."""
        question = self._questions.get(response_id)
        if question is None:
            return None
        self._questions.remove(response_id)
        return spoken_turn(question, transcript.of_last_call())

    # Functions

    def send_function_outputs(self, outputs: Mapping[str, str], *, respond: bool) -> RequestedResponse | None:
        """Send the outputs of functions; those that are too long are cut, and say so."""
        return self._backend.send_outputs(outputs, respond=respond, room=self._input.room)

    def carry_function_results(self, results: Sequence[FunctionResult], *, respond: bool) -> RequestedResponse | None:
        """Tell the voice model what functions of an earlier call have returned: the backend does not know the calls."""
        for result in results:
            words = f"Work from before the connection was lost is done. {result.name} returned: {result.output}"
            event = client_events.append("commentary" if respond else "thinking", client_events.shortened(words))
            self._post([event], lambda error: None)
        return None

    def set_tools(self, tools: Sequence[Mapping[str, Any]]) -> bool:
        """Send the present functions to the backend, if there is a call.

        Raises
        ------
        InvalidTool
            If the backend takes no functions, or a function is added to a session without a backend.
        """
        names = {str(tool.get("name", tool.get("type"))) for tool in tools}
        added, self._tool_names = names - self._tool_names, names
        if not self._options.takes_tools:
            if tools:
                raise InvalidTool(f"{NO_TOOLS}A backend that is a Python function calls none either.", hint=NEEDS_MODEL)
            return False
        if not self._outbox.is_started:
            return False  # they go with the offer, or with the first event
        if not self._has_backend:
            if added:
                self._tool_names -= added
                raise InvalidTool(
                    f"{NO_TOOLS}This session has begun without a backend, and gets none any more.",
                    hint="Disconnect, add the function, and connect: the next session begins with a backend for it.",
                )
            if tools:
                logger.warning("%sThis session has no backend: the functions are for the next call.", NO_TOOLS)
            return False
        changed = {"delegation": {"type": "responses", "responses": {"tools": [*self._options.tools, *tools]}}}
        try:
            self._post([client_events.update_session(changed)], lambda error: None)
        except NotConnected:
            return False
        return True

    # The voice

    @property
    def delegations(self) -> Sequence[Delegation]:
        """The work that the voice model has handed over, in all calls, oldest first."""
        return [one for call in self._delegations for one in call.all]

    async def append(self, channel: Channel, text: str, timeout: float, delegation_id: str | None = None) -> None:
        """Add a text and wait until the session clock has reached its end."""
        events = [client_events.append(channel, part, delegation_id) for part in client_events.chunks(text)]
        kind = f"session.{channel}.appended"
        waiting = {
            str(event["event_id"]): self._acknowledgements.expect(str(event["event_id"]), kind) for event in events
        }

        def failed(error: RtcWidgetError) -> None:
            for event_id in waiting:
                self._acknowledgements.give_up(event_id, error)

        def late() -> WaitTimeout:
            return WaitTimeout(f"The text was not placed within {timeout:g} s.{self._clock.progress}")

        try:
            self._post(events, failed)
            await wait_with_grace(timeout, asyncio.gather(*waiting.values()), late)
        finally:
            failed(NotConnected("Nothing waits any more."))
            for future in waiting.values():
                future.cancel() if not future.done() else future.cancelled() or future.exception()

    def interrupt(self) -> bool:
        """Tell the voice to stop; return whether it was heard. The page silences what is still to come."""
        is_speaking = self._is_audible or time.monotonic() - self._words_at < QUIET_SECONDS
        self._post([client_events.append("instructions", client_events.STOP)], lambda error: None)
        return is_speaking

    # The session

    commits_turns = False

    @property
    def detects_turns(self) -> bool:
        """Return False: the voice model decides when to speak, and the user may hold back the microphone."""
        return False

    @property
    def changes(self) -> Mapping[str, Any]:
        """The settings that were changed in the calls that resume each other."""
        return self._changes

    async def update(
        self, settings: Mapping[str, Any], timeout: float, check: Callable[[], None] = lambda: None
    ) -> LiveSettings:
        """Send a ``session.update`` and wait for the server's ``session.updated``."""
        session = changed_settings(settings)
        if "responses" in session.get("delegation", {}) and not self._has_backend:
            raise InvalidSession("There is no backend with settings in this session.", hint=NEEDS_MODEL)
        check()
        event = client_events.update_session(session)
        event_id = str(event["event_id"])
        confirmed = self._acknowledgements.expect(event_id, "session.updated")
        late = WaitTimeout(
            f"The server did not confirm the change within {timeout} s: no session.updated came for {event_id}."
        )
        try:
            self._post([event], lambda error: self._acknowledgements.give_up(event_id, error))
            updated = fields_of(await wait_with_grace(timeout, confirmed, late)).get("session")
            self._changes = merged(self._changes, session)
            return LiveSettings(dict(updated if isinstance(updated, Mapping) else session))
        finally:
            self._acknowledgements.give_up(event_id)

    async def close(self, timeout: float) -> None:
        """Send ``session.close``, and wait for the server's ``session.closed`` with the final usage."""
        if not self._outbox.is_started:
            return
        event = client_events.close_session()
        event_id = str(event["event_id"])
        closed = self._acknowledgements.expect(event_id, "session.closed")
        try:
            self._post([event], lambda error: self._acknowledgements.give_up(event_id, error))
            async with asyncio.timeout(timeout):
                await closed
        except (TimeoutError, RtcWidgetError) as error:
            logger.info("The session was not closed in an orderly way, so its usage is not final: %s", error)
        finally:
            self._acknowledgements.give_up(event_id)
