"""The protocol of a signaling with ``protocol = None``: its events are recorded, and have no meaning here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

from rtc_widget.conversation.event_reader import CallTurns
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import Fact
from rtc_widget.conversation.json_object import JsonObject
from rtc_widget.conversation.sound import MeasuredSound
from rtc_widget.conversation.turn import FunctionResult, Turn
from rtc_widget.protocols.base import (
    ClientEvent,
    Later,
    Send,
    SessionOptions,
    SessionWatch,
    VoiceProtocol,
    VoiceSession,
)
from rtc_widget.protocols.events.session import EventsSession, refuse
from rtc_widget.types import EVENTS_ONLY, Role


class NoTurns:
    """The turns of a call in which none are known."""

    def __init__(self, *, resumes: bool) -> None:
        self.resumes = resumes
        self.turns: list[Turn] = []
        self.items: list[Turn | FunctionResult] = []

    def add(self, event: Mapping[str, Any], now: float | None) -> None:
        """Process one event."""

    def is_piece(self, event: Mapping[str, Any]) -> bool:
        """Return False."""
        return False

    def end(self, now: float | None = None) -> None:
        """Process the end of the call."""


class NoSound:
    """Reads no meaning from the measured audio."""

    def consume(self, event: Event, facts: Iterable[Fact]) -> Iterable[Event]:
        """Return nothing."""
        return ()

    def take(self, sound: MeasuredSound) -> Iterable[Event]:
        """Return nothing."""
        return ()


class EventsProtocol:
    """No protocol; see `rtc_widget.protocols.base.VoiceProtocol`."""

    name = EVENTS_ONLY
    setting_names: Collection[str] = frozenset()
    silences_output = False
    turn_end_seconds = None

    def facts(self, event: Event) -> Iterable[Fact]:
        """Return nothing."""
        return ()

    def call_turns(self, number: int, *, resumes: bool) -> CallTurns:
        """Return the empty turns of a call."""
        return NoTurns(resumes=resumes)

    def typed(self, event: Event) -> Any:
        """Return the event as it came."""
        return event.raw

    def session_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings as they are; the signaling gets them with the offer."""
        return dict(settings)

    def with_tools(self, settings: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the settings with these functions, for the signaling."""
        return {**settings, "tools": list(tools)} if tools else dict(settings)

    def session_object(self, settings: Mapping[str, Any]) -> JsonObject:
        """Return settings as an object."""
        return JsonObject(dict(settings))

    def sound_reader(self) -> NoSound:
        """Return a reader that reads nothing."""
        return NoSound()

    def open(self, send: Send, later: Later, options: SessionOptions) -> VoiceSession:
        """Return the session of one widget."""
        return EventsSession()

    def max_event_bytes(self, event: ClientEvent) -> int | None:
        """Return None."""
        return None

    def with_history(
        self, settings: Mapping[str, Any], items: Sequence[Turn | FunctionResult], changes: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the settings alone: there is no history."""
        return dict(settings)

    def is_needed_later(self, event: Event) -> bool:
        """Return False."""
        return False

    def is_session_change(self, text: str) -> bool:
        """Return False."""
        return False

    def carry_turn(self, role: Role, text: str) -> Sequence[ClientEvent]:
        """Raise `ConversationUnsupported`."""
        refuse()

    def carry_function_result(self, result: FunctionResult) -> Sequence[ClientEvent]:
        """Raise `ConversationUnsupported`."""
        refuse()

    def begin_turn(self, *, is_responding: bool, is_speaking: bool) -> Sequence[ClientEvent]:
        """Return nothing."""
        return ()

    def commit_turn(self) -> Sequence[ClientEvent]:
        """Return nothing."""
        return ()

    def discard_turn(self) -> Sequence[ClientEvent]:
        """Return nothing."""
        return ()

    def session_watch(
        self, on_standing: Callable[[], None], call_later: Callable[[float, Callable[[], None]], Any]
    ) -> SessionWatch | None:
        """Return None."""
        return None

    def close_session(self) -> Sequence[ClientEvent]:
        """Return nothing."""
        return ()

    def session_closed(self, text: str) -> Literal["requested", "unrequested"] | None:
        """Return None."""
        return None

    def session_end(self, text: str) -> str | None:
        """Return None."""
        return None


PROTOCOL: VoiceProtocol = EventsProtocol()
