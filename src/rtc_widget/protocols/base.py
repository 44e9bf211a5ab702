"""The interface of a wire protocol: it converts intents to events, and events to facts.

=========================  =============================================================================
`VoiceProtocol`            one protocol: reads events, checks settings, builds the events of the page
`VoiceSession`             the calls of one widget: ask, send function outputs, interrupt, change settings
=========================  =============================================================================

A protocol is a package in `rtc_widget.protocols` whose module ``protocol`` has it as ``PROTOCOL``. Its name is what a
signaling calls it (`rtc_widget.signaling.base.Signaling`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable
from uuid import uuid4

from rtc_widget.conversation.event_reader import EventReader, reader_of
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import Fact, ResponseEnded
from rtc_widget.conversation.json_object import JsonObject
from rtc_widget.conversation.sound import SoundReader
from rtc_widget.conversation.subscriptions import Failure
from rtc_widget.conversation.transcript import Transcript
from rtc_widget.conversation.turn import FunctionResult, Turn
from rtc_widget.errors import RtcWidgetError
from rtc_widget.types import Role

ClientEvent = Mapping[str, Any]
Item = Mapping[str, Any]
Detail = Literal["auto", "low", "high"]

Send = Callable[[Sequence[ClientEvent], Callable[[RtcWidgetError], None] | None], str]
"""Sends all events or none, and returns the id of the first. The callback is called if the page cannot send them."""
Later = Callable[[float, Callable[[], None]], None]
"""Calls a function on the main loop after a number of seconds."""


Channel = Literal["instructions", "thinking", "commentary"]
"""How a text is added to what the voice model knows: an instruction, a silent note, or something to say."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What a signaling says about the backend of a voice model that has no tools of its own.

    Attributes
    ----------
    delegate : callable or None
        A Python function that does the work which the voice model hands over.
    takes_tools : bool
        Whether a backend calls the functions of ``@chat.tool``.
    tools : sequence of dict
        Descriptions of tools that the backend has besides.
    failed : callable
        Called with an exception of `delegate`.
    """

    delegate: Callable[[Any], Any] | None = None
    takes_tools: bool = True
    tools: Sequence[Mapping[str, Any]] = ()
    failed: Callable[[Failure], None] = lambda failure: None


class EventConsumer(Protocol):
    """Processes the events of a widget's calls in their order, on the main loop."""

    def begin_call(self, *, resumes: bool) -> None:
        """Begin another call; everything that is pending from the call before fails."""

    def consume(self, event: Event, facts: Sequence[Fact]) -> None:
        """Process the next event, sent or received, and its facts, which most events have none of."""

    def end_call(self) -> None:
        """End the call; harmless to repeat."""


class RequestedResponse(Protocol):
    """A response that was requested."""

    @property
    def event_id(self) -> str:
        """The event that sent the first item."""
        ...

    @property
    def is_sent(self) -> bool:
        """Whether the page has sent all items."""
        ...

    @property
    def is_settled(self) -> bool:
        """Whether the response has begun or failed."""
        ...

    @property
    def is_lost(self) -> bool:
        """Whether the call ended before the response began, or the page could not send the items."""
        ...


class VoiceSession(EventConsumer, Protocol):
    """The session of one widget over all of its calls; used on the main loop."""

    @property
    def settings(self) -> JsonObject | None:
        """The settings that the server confirmed last; None before the first call."""
        ...

    def user_message(self, text: str, image_url: str | None = None, detail: Detail = "auto") -> Item:
        """Return a user's message: text, an image as a ``data:`` URL, or both."""
        ...

    def events_of(self, item: Item) -> Sequence[ClientEvent]:
        """Return the events that add an item; the caller checks their size."""
        ...

    def ask(self, item: Item) -> RequestedResponse:
        """Add an item now, and request a response that follows it.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        """
        ...

    def add(self, item: Item) -> str:
        """Add an item without requesting a response; return the id of its event.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        """
        ...

    def send_function_outputs(self, outputs: Mapping[str, str], *, respond: bool) -> RequestedResponse | None:
        """Send the outputs of functions by the id of the function call.

        With `respond`, a response is requested and returned.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        """
        ...

    def carry_function_results(self, results: Sequence[FunctionResult], *, respond: bool) -> RequestedResponse | None:
        """Send function calls of an earlier call, with their outputs, to the current one, which resumes it.

        With `respond`, a response is requested and returned; also without results, if the page has sent them already.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        """
        ...

    async def response_of(self, pending: RequestedResponse) -> str:
        """Wait for a requested response to begin, and return its id.

        Raises
        ------
        EventRefused
            If the server refuses an item or the response.
        NotConnected
            If the call ends first.
        """
        ...

    def progress_of(self, pending: RequestedResponse) -> str:
        """Return a clause on what a requested response waits for and since when, for an error message."""
        ...

    def progress_of_response(self, response_id: str) -> str:
        """Return the same for a response that has begun."""
        ...

    async def end_of(self, response_id: str) -> ResponseEnded:
        """Wait for a response to end.

        Raises
        ------
        NotConnected
            If the call ends first.
        """
        ...

    async def spoken(self, response_id: str, *, begins_within: float) -> None:
        """Wait until the audio of a response has ended.

        If the server reports no audio within `begins_within` seconds, the method returns.

        Raises
        ------
        NotConnected
            If the call ends first.
        """
        ...

    def was_audible(self, response_id: str) -> bool:
        """Whether audio of a response was played, as far as the server reports it."""
        ...

    def is_out_of_band(self, response_id: str) -> bool:
        """Whether a response is not part of the conversation."""
        ...

    def turn_of(self, response_id: str, transcript: Transcript) -> Turn | None:
        """Return what was said in a response that has ended; None if nothing was."""
        ...

    @property
    def delegations(self) -> Sequence[Any]:
        """The work that the voice model has handed over, oldest first; always empty if the protocol has none."""
        ...

    async def append(self, channel: Channel, text: str, timeout: float, delegation_id: str | None = None) -> None:
        """Add a text to what the voice model knows, and wait until the server has placed it.

        Raises
        ------
        OperationUnsupported
            If the protocol cannot do it.
        EventRefused
            If the server refuses the text.
        WaitTimeout
            If the server does not place it within `timeout` seconds.
        NotConnected
            If there is no call, or the call ends.
        """
        ...

    async def close(self, timeout: float) -> None:
        """End the session in an orderly way, and wait at most `timeout` seconds for the server's confirmation."""
        ...

    def interrupt(self) -> bool:
        """Stop the response that is being generated or spoken; return whether there was one.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        """
        ...

    @property
    def commits_turns(self) -> bool:
        """Whether push-to-talk commits a turn to the server; else it only mutes the microphone between turns."""
        ...

    @property
    def changes(self) -> Mapping[str, Any]:
        """The changed settings that a session which resumes this one needs at its start."""
        ...

    @property
    def detects_turns(self) -> bool:
        """Whether the server detects the end of the user's turns; False before the first call."""
        ...

    async def update(
        self, settings: Mapping[str, Any], timeout: float, check: Callable[[], None] = lambda: None
    ) -> JsonObject:
        """Change settings (as `VoiceProtocol.session_settings` takes them) and wait until the server confirms them.

        `check` is called after the settings were validated, before anything is sent; its exceptions are passed on.

        Raises
        ------
        InvalidSession
            If a setting is unknown.
        EventRefused
            If the server refuses the change.
        WaitTimeout
            If the server does not confirm the change within `timeout` seconds.
        NotConnected
            If there is no call, or the call ends.
        """
        ...

    def set_tools(self, tools: Sequence[Mapping[str, Any]]) -> bool:
        """Send the present functions to the server; return False if there is no call."""
        ...


class SessionWatch(Protocol):
    """Watches the events of one call for a session that stands still."""

    def consume(self, event: Event) -> None:
        """Process the next event, sent or received."""

    def end(self) -> None:
        """The call is over; harmless to repeat."""


class VoiceProtocol(EventReader, Protocol):
    """A wire protocol."""

    @property
    def name(self) -> str:
        """Its name, such as ``"realtime"``."""
        ...

    @property
    def setting_names(self) -> Collection[str]:
        """The names of the settings that `session_settings` accepts."""
        ...

    def session_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the session object of settings by name, checked.

        Raises
        ------
        InvalidSession
            If a setting is unknown.
        """
        ...

    def with_tools(self, settings: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return a session object with these functions."""
        ...

    def session_object(self, settings: Mapping[str, Any]) -> JsonObject:
        """Return confirmed settings as the object that `VoiceChat.session` has."""
        ...

    def sound_reader(self) -> SoundReader:
        """Return the reader of one call's audio as the page measures it."""
        ...

    def open(self, send: Send, later: Later, options: SessionOptions) -> VoiceSession:
        """Return the session of one widget."""
        ...

    @property
    def turn_end_seconds(self) -> float | None:
        """After how long without words a turn is over although no event says so; None where an event ends it."""
        ...

    @property
    def silences_output(self) -> bool:
        """Whether the page silences what is heard when the assistant is interrupted: the server cannot stop it."""
        ...

    def max_event_bytes(self, event: ClientEvent) -> int | None:
        """Return how many bytes of JSON an event may have at most; None if only the data channel limits it."""
        ...

    def with_history(
        self, settings: Mapping[str, Any], items: Sequence[Turn | FunctionResult], changes: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the session object of a call that resumes others: with their conversation and changed settings.

        A protocol that repeats both in events returns the settings alone.
        """
        ...

    def is_needed_later(self, event: Event) -> bool:
        """Whether the transcript, or a call that resumes this one, needs an event."""
        ...

    def is_session_change(self, text: str) -> bool:
        """Whether a sent event changes settings, so that a resumed call must repeat it."""
        ...

    def carry_turn(self, role: Role, text: str) -> Sequence[ClientEvent]:
        """Return the events that repeat a turn of an earlier call to a new one; none if `with_history` repeats it."""
        ...

    def carry_function_result(self, result: FunctionResult) -> Sequence[ClientEvent]:
        """Return the events that repeat a function call and its output; a new call needs all of them or none."""
        ...

    def begin_turn(self, *, is_responding: bool, is_speaking: bool) -> Sequence[ClientEvent]:
        """Return the events that begin a push-to-talk turn, given the state of the assistant."""
        ...

    def commit_turn(self) -> Sequence[ClientEvent]:
        """Return the events that end a push-to-talk turn and request a response."""
        ...

    def discard_turn(self) -> Sequence[ClientEvent]:
        """Return the events that discard a push-to-talk turn."""
        ...

    def session_watch(
        self, on_standing: Callable[[], None], call_later: Callable[[float, Callable[[], None]], Any]
    ) -> SessionWatch | None:
        """Return what watches one call for a session that stands still without input audio; None where none does.

        `on_standing` is called once; `call_later` is that of an event loop.
        """
        ...

    def close_session(self) -> Sequence[ClientEvent]:
        """Return the events that ask the server to close the session, and to send what it still has.

        None where the end of the call does that.
        """
        ...

    def session_closed(self, text: str) -> Literal["requested", "unrequested"] | None:
        """Return whether the last event of a session says that its end was requested; None for other events."""
        ...

    def session_end(self, text: str) -> str | None:
        """Return the message of a received event that announces the end of the session; None for other events."""
        ...


@runtime_checkable
class NamesEvents(Protocol):
    """A protocol that knows the names of its events, so that a misspelt one is refused."""

    @property
    def event_names(self) -> Collection[str]:
        """The types of its events; a server may send others."""
        ...


def new_event_id() -> str:
    """Return a new id of an event."""
    # The services accept ids of at most 32 characters.
    return f"event_{uuid4().hex[:20]}"


def protocol_named(name: str) -> VoiceProtocol:
    """Return a protocol by its name.

    Raises
    ------
    ValueError
        If there is no such protocol.
    """
    protocol: Any = reader_of(name)
    found: VoiceProtocol = protocol
    return found
