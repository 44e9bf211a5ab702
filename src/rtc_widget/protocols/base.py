"""What a wire protocol offers: intents become events to send, received events become facts.

=========================  =============================================================================
`VoiceProtocol`            one protocol: reads events, checks settings, builds the events of the page
`VoiceSession`             what a widget does in its calls by a protocol: ask, answer tools, interrupt, change settings
=========================  =============================================================================

A protocol is a package in `rtc_widget.protocols` whose module ``protocol`` has it as ``PROTOCOL``. Its name is what a
signaling calls it (`rtc_widget.signaling.base.Signaling`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, Protocol
from uuid import uuid4

from rtc_widget.conversation.event_reader import EventReader, reader_of
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import ResponseEnded
from rtc_widget.conversation.json_object import JsonObject
from rtc_widget.errors import RtcWidgetError
from rtc_widget.types import Role

ClientEvent = Mapping[str, Any]
Item = Mapping[str, Any]
Detail = Literal["auto", "low", "high"]

Send = Callable[[Sequence[ClientEvent], Callable[[RtcWidgetError], None] | None], str]
"""Sends events, all or none, and returns the id of the first; the callback is called if sending fails later."""
Later = Callable[[float, Callable[[], None]], None]
"""Calls a function on the main loop after so many seconds."""


class EventConsumer(Protocol):
    """Takes in the events of a widget's calls, in their order, on the main loop."""

    def begin_call(self, *, resumes: bool) -> None:
        """Begin another call; what was open in the one before will not come."""

    def consume(self, event: Event) -> None:
        """Take in the next event, sent or received."""

    def end_call(self) -> None:
        """End the call; harmless to repeat."""


class RequestedResponse(Protocol):
    """A response that was asked for."""

    @property
    def event_id(self) -> str:
        """The event that sent the first item."""
        ...


class VoiceSession(EventConsumer, Protocol):
    """What a widget does in its calls; one object over all calls of a widget, used on the main loop."""

    @property
    def settings(self) -> JsonObject | None:
        """The session's settings as the server has confirmed them last; None before the first call."""
        ...

    def user_message(self, text: str, image_url: str | None = None, detail: Detail = "auto") -> Item:
        """Return a user's message: text, an image as a ``data:`` URL, or both."""
        ...

    def events_of(self, item: Item) -> Sequence[ClientEvent]:
        """Return the events that add an item, to see how large they are."""
        ...

    def ask(self, item: Item) -> RequestedResponse:
        """Add an item now, and see to it that a response follows that knows it.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        """
        ...

    def add(self, item: Item) -> str:
        """Add an item, and ask for nothing; returns the id of its event.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        """
        ...

    def send_function_outputs(self, outputs: Mapping[str, str], *, respond: bool) -> RequestedResponse | None:
        """Send results of functions, by the id of the call; with `respond` a response follows, which is returned.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        """
        ...

    async def response_of(self, pending: RequestedResponse) -> str:
        """Wait for the response that was asked for to begin and return its id.

        Raises
        ------
        EventRefused
            If the server refuses an item, or to respond.
        NotConnected
            If the call ends before.
        """
        ...

    async def end_of(self, response_id: str) -> ResponseEnded:
        """Wait for a response to end.

        Raises
        ------
        NotConnected
            If the call ends before.
        """
        ...

    async def spoken(self, response_id: str, *, begins_within: float) -> None:
        """Wait until a response has been spoken to its end.

        Servers that do not report their audio are not waited for longer than `begins_within` seconds.

        Raises
        ------
        NotConnected
            If the call ends before.
        """
        ...

    def was_audible(self, response_id: str) -> bool:
        """Whether a response was heard, as far as the server reports its audio."""
        ...

    def is_out_of_band(self, response_id: str) -> bool:
        """Whether a response is not part of the conversation."""
        ...

    def interrupt(self) -> bool:
        """Stop the response that is being generated or spoken; returns whether there was one.

        Raises
        ------
        NotConnected
            If the data channel is not open.
        """
        ...

    @property
    def detects_turns(self) -> bool:
        """Whether the server says when the user's turn ends; False before the first call."""
        ...

    async def update(
        self, settings: Mapping[str, Any], timeout: float, check: Callable[[], None] = lambda: None
    ) -> JsonObject:
        """Change settings (as `VoiceProtocol.session_settings` takes them) and wait until the server confirms them.

        `check` is called when the settings are valid, before anything is sent; what it raises is raised.

        Raises
        ------
        InvalidSession
            If a setting is unknown.
        EventRefused
            If the server refuses the change.
        WaitTimeout
            If it does not answer within `timeout` seconds.
        NotConnected
            If there is no call, or it ends.
        """
        ...

    def set_tools(self, tools: Sequence[Mapping[str, Any]]) -> bool:
        """Tell the server which functions there are, if there is a call; returns whether it was told."""
        ...


class VoiceProtocol(EventReader, Protocol):
    """A wire protocol."""

    @property
    def name(self) -> str:
        """Its name, such as ``"realtime"``."""
        ...

    @property
    def setting_names(self) -> Collection[str]:
        """The names of the session settings that `session_settings` takes."""
        ...

    def session_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the session's object from settings by name, checked.

        Raises
        ------
        InvalidSession
            If a setting is unknown.
        """
        ...

    def with_tools(self, settings: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return a session's object with these functions in it."""
        ...

    def session_object(self, settings: Mapping[str, Any]) -> JsonObject:
        """Return confirmed settings as the object that people read."""
        ...

    def open(self, send: Send, later: Later) -> VoiceSession:
        """Return the session of one widget."""
        ...

    def is_needed_later(self, event: Event) -> bool:
        """Whether the transcript, or a call that resumes this one, needs an event."""
        ...

    def is_session_change(self, text: str) -> bool:
        """Whether a sent event changes settings, which a resumed call must repeat."""
        ...

    def carry_turn(self, role: Role, text: str) -> ClientEvent:
        """Return the event that repeats a turn of an earlier call to a new one."""
        ...

    def begin_turn(self, *, is_responding: bool, is_speaking: bool) -> Sequence[ClientEvent]:
        """Return the events that begin a turn of push-to-talk, given what the assistant is doing."""
        ...

    def commit_turn(self) -> Sequence[ClientEvent]:
        """Return the events that end a turn of push-to-talk and ask for the response."""
        ...

    def discard_turn(self) -> Sequence[ClientEvent]:
        """Return the events that take a turn of push-to-talk back."""
        ...

    def session_end(self, text: str) -> str | None:
        """Return what a received event says about the session's end, which is near; None for other events."""
        ...


def new_event_id() -> str:
    """Return an id for an event that has none."""
    # The services take ids of 32 characters.
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
