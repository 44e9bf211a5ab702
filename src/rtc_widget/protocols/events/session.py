"""The session of a widget whose events are only recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import Fact, ResponseEnded
from rtc_widget.conversation.json_object import JsonObject
from rtc_widget.conversation.transcript import Transcript
from rtc_widget.conversation.turn import FunctionResult, Turn
from rtc_widget.errors import ConversationUnsupported
from rtc_widget.protocols.base import Channel, ClientEvent, Detail, Item, RequestedResponse


class EventsSession:
    """Refuses everything that needs to know the server's events; see `rtc_widget.protocols.base.VoiceSession`."""

    settings: JsonObject | None = None
    detects_turns = True
    commits_turns = False
    delegations: Sequence[Any] = ()

    def begin_call(self, *, resumes: bool) -> None:
        """Begin another call."""

    def consume(self, event: Event, facts: Sequence[Fact]) -> None:
        """Process the next event."""

    def end_call(self) -> None:
        """End the call."""

    def user_message(self, text: str, image_url: str | None = None, detail: Detail = "auto") -> Item:
        """Raise `ConversationUnsupported`."""
        refuse()

    def events_of(self, item: Item) -> Sequence[ClientEvent]:
        """Raise `ConversationUnsupported`."""
        refuse()

    def ask(self, item: Item) -> RequestedResponse:
        """Raise `ConversationUnsupported`."""
        refuse()

    def add(self, item: Item) -> str:
        """Raise `ConversationUnsupported`."""
        refuse()

    def send_function_outputs(self, outputs: Mapping[str, str], *, respond: bool) -> RequestedResponse | None:
        """Raise `ConversationUnsupported`."""
        refuse()

    def carry_function_results(self, results: Sequence[FunctionResult], *, respond: bool) -> RequestedResponse | None:
        """Raise `ConversationUnsupported`."""
        refuse()

    async def response_of(self, pending: RequestedResponse) -> str:
        """Raise `ConversationUnsupported`."""
        refuse()

    def progress_of(self, pending: RequestedResponse) -> str:
        """Raise `ConversationUnsupported`."""
        refuse()

    def progress_of_response(self, response_id: str) -> str:
        """Raise `ConversationUnsupported`."""
        refuse()

    async def end_of(self, response_id: str) -> ResponseEnded:
        """Raise `ConversationUnsupported`."""
        refuse()

    async def spoken(self, response_id: str, *, begins_within: float) -> None:
        """Raise `ConversationUnsupported`."""
        refuse()

    def was_audible(self, response_id: str) -> bool:
        """Return False: there are no responses."""
        return False

    def is_out_of_band(self, response_id: str) -> bool:
        """Return False: there are no responses."""
        return False

    def turn_of(self, response_id: str, transcript: Transcript) -> Turn | None:
        """Return None: there are no responses."""
        return None

    async def append(self, channel: Channel, text: str, timeout: float, delegation_id: str | None = None) -> None:
        """Raise `ConversationUnsupported`."""
        refuse()

    async def close(self, timeout: float) -> None:
        """Return at once: the end of the call is the end of the session."""

    @property
    def changes(self) -> Mapping[str, Any]:
        """None: settings cannot be changed."""
        return {}

    def interrupt(self) -> bool:
        """Raise `ConversationUnsupported`."""
        refuse()

    async def update(
        self, settings: Mapping[str, Any], timeout: float, check: Callable[[], None] = lambda: None
    ) -> JsonObject:
        """Raise `ConversationUnsupported`."""
        refuse()

    def set_tools(self, tools: Sequence[Mapping[str, Any]]) -> bool:
        """Return False: tools go with the offer."""
        return False


def refuse() -> NoReturn:
    """Raise the error of everything that needs a protocol."""
    raise ConversationUnsupported("The signaling names no wire protocol, so its events are only recorded.")
