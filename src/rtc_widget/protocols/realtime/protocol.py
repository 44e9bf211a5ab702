"""The GA Realtime API as a protocol of this package."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

from rtc_widget.conversation.event_reader import CallTurns
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import Fact, FunctionOutputSent
from rtc_widget.conversation.sound import SoundReader
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
from rtc_widget.protocols.realtime import client_events, facts
from rtc_widget.protocols.realtime.event_names import EVENT_NAMES
from rtc_widget.protocols.realtime.measured_audio import MeasuredAudio
from rtc_widget.protocols.realtime.session import Session
from rtc_widget.protocols.realtime.session_settings import KNOWN, SHORTHANDS, session_settings
from rtc_widget.protocols.realtime.transcript_reducer import RealtimeTurns
from rtc_widget.protocols.realtime.voice_session import RealtimeSession
from rtc_widget.types import Role


class RealtimeProtocol:
    """The protocol of the GA Realtime API; see `rtc_widget.protocols.base.VoiceProtocol`."""

    name = "realtime"
    setting_names: Collection[str] = frozenset({*KNOWN, *SHORTHANDS})
    event_names: Collection[str] = EVENT_NAMES

    def facts(self, event: Event) -> Iterable[Fact]:
        """Return the meaning of an event."""
        return facts.facts(event)

    def call_turns(self, number: int, *, resumes: bool) -> CallTurns:
        """Return the empty turns of a call."""
        return RealtimeTurns(number, resumes=resumes)

    def typed(self, event: Event) -> Any:
        """Return the event as a model of openai-python."""
        from rtc_widget.protocols.realtime.typed_events import typed_event

        return typed_event(event)

    def session_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return a session object from settings, checked."""
        return session_settings(settings)

    def with_tools(self, settings: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return a session object with these functions."""
        return {**settings, "tools": list(tools)} if tools else dict(settings)

    def session_object(self, settings: Mapping[str, Any]) -> Session:
        """Return confirmed settings as a `Session`."""
        return Session(dict(settings))

    def sound_reader(self) -> SoundReader:
        """Return the reader of one call's measured audio."""
        return MeasuredAudio()

    def open(self, send: Send, later: Later, options: SessionOptions) -> VoiceSession:
        """Return the session of one widget; the voice model calls functions itself."""
        return RealtimeSession(send, later)

    silences_output = False
    turn_end_seconds = None

    def max_event_bytes(self, event: ClientEvent) -> int | None:
        """Return None: only the data channel limits events."""
        return None

    def with_history(
        self, settings: Mapping[str, Any], items: Sequence[Turn | FunctionResult], changes: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the settings alone: the page repeats the conversation in events."""
        return dict(settings)

    def is_needed_later(self, event: Event) -> bool:
        """Whether the transcript, or a call that resumes this one, needs an event.

        Deltas are not needed: a later event has the complete text.
        """
        if event.direction == "sent":
            is_output = any(isinstance(fact, FunctionOutputSent) for fact in self.facts(event))
            return event.type == "session.update" or is_output
        return not event.type.endswith(".delta")

    def is_session_change(self, text: str) -> bool:
        """Whether a sent event is a ``session.update``."""
        # Parsing every event a second time would cost more than the rest.
        return '"session.update"' in text and _type_of(text) == "session.update"

    def carry_turn(self, role: Role, text: str) -> Sequence[ClientEvent]:
        """Return the event that repeats a turn of an earlier call in a new one."""
        return [client_events.carry_turn(role, text)]

    def carry_function_result(self, result: FunctionResult) -> Sequence[ClientEvent]:
        """Return the events that repeat a function call of an earlier call and its output in a new one."""
        return client_events.carry_function_result(result.name, result.arguments, result.output)

    def begin_turn(self, *, is_responding: bool, is_speaking: bool) -> Sequence[ClientEvent]:
        """Discard the received audio, and stop the response that is generated or spoken."""
        events = [client_events.clear_input_audio()]
        if is_responding:
            events.append(client_events.cancel_response())
        if is_speaking:
            events.append(client_events.clear_output_audio())
        return events

    def commit_turn(self) -> Sequence[ClientEvent]:
        """Commit the audio and request a response."""
        return [client_events.commit_input_audio(), {"type": "response.create"}]

    def discard_turn(self) -> Sequence[ClientEvent]:
        """Discard the audio."""
        return [client_events.clear_input_audio()]

    def session_watch(
        self, on_standing: Callable[[], None], call_later: Callable[[float, Callable[[], None]], Any]
    ) -> SessionWatch | None:
        """Return None: a session goes on without input audio."""
        return None

    def close_session(self) -> Sequence[ClientEvent]:
        """Return nothing: the end of the call ends the session."""
        return ()

    def session_closed(self, text: str) -> Literal["requested", "unrequested"] | None:
        """Return None: the service closes the call after an error."""
        return None

    def session_end(self, text: str) -> str | None:
        """Return the message of a ``session_expired`` error; None for other events."""
        # Most events are skipped here without parsing them a second time.
        if "session_expired" not in text:
            return None
        try:
            error = json.loads(text)["error"]
            is_end, message = error["code"] == "session_expired", error.get("message")
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        return (message if isinstance(message, str) else "") if is_end else None


def _type_of(text: str) -> object:
    try:
        event = json.loads(text)
    except ValueError:
        return None
    return event.get("type") if isinstance(event, dict) else None


PROTOCOL: VoiceProtocol = RealtimeProtocol()
