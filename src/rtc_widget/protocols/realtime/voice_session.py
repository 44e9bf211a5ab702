"""The session of a widget by the Realtime API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import Fact, ResponseEnded
from rtc_widget.conversation.transcript import Transcript
from rtc_widget.conversation.turn import FunctionResult, Turn
from rtc_widget.errors import NotConnected, OperationUnsupported, WaitTimeout
from rtc_widget.kernel.main_loop import wait_with_grace
from rtc_widget.protocols.base import Channel, ClientEvent, Detail, Item, Later, RequestedResponse, Send
from rtc_widget.protocols.realtime import client_events
from rtc_widget.protocols.realtime.client_events import new_id
from rtc_widget.protocols.realtime.pending_responses import PendingResponse
from rtc_widget.protocols.realtime.response_queue import ResponseQueue
from rtc_widget.protocols.realtime.session import Session, detects_turns
from rtc_widget.protocols.realtime.session_settings import session_settings
from rtc_widget.protocols.realtime.session_updates import SessionUpdates


class RealtimeSession:
    """Sends the client events of one widget and waits for the server's; see `rtc_widget.protocols.base.VoiceSession`.

    Parameters
    ----------
    send : callable
        Sends events over the data channel.
    later : callable
        Calls a function on the main loop after a time.
    """

    def __init__(self, send: Send, later: Later) -> None:
        self._send = send
        self._queue = ResponseQueue(send, later)
        self._updates = SessionUpdates()

    def begin_call(self, *, resumes: bool) -> None:
        """Begin another call."""
        self._updates.begin_call(resumes=resumes)
        self._queue.begin_call(resumes=resumes)

    def consume(self, event: Event, facts: Sequence[Fact]) -> None:
        """Process the next event."""
        try:
            self._updates.consume(event)
        finally:
            self._queue.consume(event)

    def end_call(self) -> None:
        """End the call; everything that is pending fails."""
        self._updates.end_call()
        self._queue.end_call()

    @property
    def settings(self) -> Session | None:
        """The settings that the server confirmed last."""
        return self._updates.session

    def user_message(self, text: str, image_url: str | None = None, detail: Detail = "auto") -> Item:
        """Return a user's message as an item."""
        return client_events.user_message(text, image_url, detail)

    def events_of(self, item: Item) -> Sequence[ClientEvent]:
        """Return the event that adds an item."""
        return [client_events.create_item(item)]

    def ask(self, item: Item) -> RequestedResponse:
        """Add an item and request a response."""
        return self._queue.request_response([item])

    def add(self, item: Item) -> str:
        """Add an item without requesting a response."""
        return self._send([client_events.create_item(item)], None)

    def send_function_outputs(self, outputs: Mapping[str, str], *, respond: bool) -> RequestedResponse | None:
        """Send the outputs of functions."""
        return self._add_items(client_events.function_outputs(outputs), respond=respond)

    def carry_function_results(self, results: Sequence[FunctionResult], *, respond: bool) -> RequestedResponse | None:
        """Send function calls of an earlier call with their outputs."""
        items = [
            item
            for result in results
            for item in client_events.carried_function_items(result.name, result.arguments, result.output)
        ]
        return self._add_items(items, respond=respond)

    def _add_items(self, items: Sequence[Item], *, respond: bool) -> RequestedResponse | None:
        if respond:
            return self._queue.request_response(items)
        if items:
            self._send([client_events.create_item(item) for item in items], None)
        return None

    async def response_of(self, pending: RequestedResponse) -> str:
        """Wait for a requested response to begin, and return its id."""
        assert isinstance(pending, PendingResponse)  # noqa: S101 - made by this session
        return await self._queue.response(pending)

    def progress_of(self, pending: RequestedResponse) -> str:
        """Return a clause on what a requested response waits for and since when."""
        assert isinstance(pending, PendingResponse)  # noqa: S101 - made by this session
        return self._queue.progress_of(pending)

    def progress_of_response(self, response_id: str) -> str:
        """Return the same for a response that has begun."""
        return self._queue.responses.progress_of(response_id)

    async def end_of(self, response_id: str) -> ResponseEnded:
        """Wait for a response to end."""
        return await self._queue.finished(response_id)

    async def spoken(self, response_id: str, *, begins_within: float) -> None:
        """Wait until the audio of a response has ended."""
        await self._queue.spoken(response_id, begins_within=begins_within)

    def was_audible(self, response_id: str) -> bool:
        """Whether audio of a response was played; True if the server reports no audio at all."""
        responses = self._queue.responses
        return not responses.reports_audio or responses.was_audible(response_id)

    def is_out_of_band(self, response_id: str) -> bool:
        """Whether a response is not part of the conversation."""
        return self._queue.responses.is_out_of_band(response_id)

    def turn_of(self, response_id: str, transcript: Transcript) -> Turn | None:
        """Return the last turn of a response."""
        return transcript.of_response(response_id)

    @property
    def delegations(self) -> Sequence[Any]:
        """Nothing: the voice model works itself."""
        return ()

    async def append(self, channel: Channel, text: str, timeout: float, delegation_id: str | None = None) -> None:
        """Raise `OperationUnsupported`."""
        instead = {
            "instructions": "Use `await chat.update_session(instructions=…)`.",
            "thinking": "Send an item: `chat.send({'type': 'conversation.item.create', 'item': …})`.",
            "commentary": "Use `await chat.ask(…)`.",
        }
        raise OperationUnsupported(f"The Realtime API has no {channel} that are added.", hint=instead[channel])

    async def close(self, timeout: float) -> None:
        """Do nothing: hanging up ends the session."""

    def interrupt(self) -> bool:
        """Cancel the response that is generated or requested, and clear the audio that is played."""
        return self._queue.interrupt()

    commits_turns = True

    @property
    def changes(self) -> Mapping[str, Any]:
        """Nothing: the page repeats the changes in events."""
        return {}

    @property
    def detects_turns(self) -> bool:
        """Whether the session has turn detection."""
        return self.settings is not None and detects_turns(self.settings.raw)

    async def update(
        self, settings: Mapping[str, Any], timeout: float, check: Callable[[], None] = lambda: None
    ) -> Session:
        """Send a ``session.update`` and wait for the server's ``session.updated``."""
        session = session_settings(settings)
        check()
        event_id = new_id("event")
        confirmed = self._updates.expect(event_id)
        late = WaitTimeout(
            f"The server did not confirm the change within {timeout} s: no session.updated came for {event_id}."
        )
        try:
            self._send(
                [client_events.update_session(session, event_id)],
                lambda error: self._updates.give_up(event_id, error),
            )
            return await wait_with_grace(timeout, confirmed, late)
        except WaitTimeout as error:
            if (suspected := self._updates.suspected(event_id)) is None:
                raise
            raise WaitTimeout(
                error.message, hint=f"The server may have refused this change: {suspected.message}"
            ) from None
        finally:
            self._updates.give_up(event_id)

    def set_tools(self, tools: Sequence[Mapping[str, Any]]) -> bool:
        """Send a ``session.update`` with these tools, if the data channel is open."""
        try:
            self._send([client_events.update_session({"tools": list(tools)})], None)
        except NotConnected:
            return False
        return True
