"""GPT-Live as a protocol of this package."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

from rtc_widget.conversation.event_reader import CallTurns
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import Fact
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
from rtc_widget.protocols.live import facts
from rtc_widget.protocols.live.client_events import close_session
from rtc_widget.protocols.live.clock_watch import ClockWatch
from rtc_widget.protocols.live.history import history_messages
from rtc_widget.protocols.live.input_queue import MAX_ITEM_BYTES, MAX_QUEUED_BYTES
from rtc_widget.protocols.live.measured_sound import MeasuredSpeech
from rtc_widget.protocols.live.session import LiveSettings
from rtc_widget.protocols.live.session_settings import KNOWN, SHORTHANDS, session_settings
from rtc_widget.protocols.live.transcript_reducer import OVER_MS, LiveTurns
from rtc_widget.protocols.live.voice_session import LiveSession
from rtc_widget.protocols.realtime.session_settings import merged
from rtc_widget.types import Role

_NEEDED_LATER = frozenset(
    {
        "session.started",
        "session.updated",
        "session.input_transcript.delta",
        "session.output_transcript.delta",
        "session.delegation.created",
        "session.thinking.append",
        "session.commentary.append",
        "session.closed",
        "response.event",
        "response.item.create",
        "error",
    }
)


class LiveProtocol:
    """The protocol of GPT-Live; see `rtc_widget.protocols.base.VoiceProtocol`."""

    name = "live"
    setting_names: Collection[str] = frozenset({*KNOWN, *SHORTHANDS})
    silences_output = True
    turn_end_seconds = OVER_MS / 1000

    def facts(self, event: Event) -> Iterable[Fact]:
        """Return the meaning of an event."""
        return facts.facts(event)

    def call_turns(self, number: int, *, resumes: bool) -> CallTurns:
        """Return the empty turns of a call."""
        return LiveTurns(number, resumes=resumes)

    def typed(self, event: Event) -> Any:
        """Return the event as a model of openai-python."""
        from rtc_widget.protocols.live.typed_events import typed_event

        return typed_event(event)

    def session_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return a session object from settings, checked."""
        return session_settings(settings)

    def with_tools(self, settings: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return a session object whose backend has these functions."""
        if not tools:
            return dict(settings)
        return merged(settings, {"delegation": {"type": "responses", "responses": {"tools": list(tools)}}})

    def session_object(self, settings: Mapping[str, Any]) -> LiveSettings:
        """Return confirmed settings as `LiveSettings`."""
        return LiveSettings(dict(settings))

    def sound_reader(self) -> SoundReader:
        """Return the reader of one call's measured audio."""
        return MeasuredSpeech()

    def open(self, send: Send, later: Later, options: SessionOptions) -> VoiceSession:
        """Return the session of one widget."""
        return LiveSession(send, later, options)

    def max_event_bytes(self, event: ClientEvent) -> int | None:
        """Return the limit of the items that wait for the backend."""
        if event.get("type") != "response.item.create":
            return None
        item = event.get("item")
        is_output = isinstance(item, Mapping) and item.get("type") == "function_call_output"
        return MAX_QUEUED_BYTES if is_output else MAX_ITEM_BYTES

    def with_history(
        self, settings: Mapping[str, Any], items: Sequence[Turn | FunctionResult], changes: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return a session object with the newest part of the conversation, which can only be given at the start."""
        session = merged(settings, changes)
        given = session.get("input")
        before = list(given) if isinstance(given, list) else []
        messages = history_messages(items, before)
        return {**session, "input": [*before, *messages]} if messages else session

    def is_needed_later(self, event: Event) -> bool:
        """Whether the transcript, or a call that resumes this one, needs an event; no event has a whole text."""
        return event.type in _NEEDED_LATER

    def is_session_change(self, text: str) -> bool:
        """Return False: changed settings go into the next session at its start."""
        return False

    def carry_turn(self, role: Role, text: str) -> Sequence[ClientEvent]:
        """Return nothing: `with_history` repeats the conversation."""
        return []

    def carry_function_result(self, result: FunctionResult) -> Sequence[ClientEvent]:
        """Return nothing: a new session does not know the call."""
        return []

    def begin_turn(self, *, is_responding: bool, is_speaking: bool) -> Sequence[ClientEvent]:
        """Return nothing: the voice model hears the user."""
        return []

    def commit_turn(self) -> Sequence[ClientEvent]:
        """Return nothing: the voice model decides when to speak."""
        return []

    def discard_turn(self) -> Sequence[ClientEvent]:
        """Return nothing."""
        return []

    def session_watch(
        self, on_standing: Callable[[], None], call_later: Callable[[float, Callable[[], None]], Any]
    ) -> SessionWatch | None:
        """Return the watch of the session clock."""
        return ClockWatch(on_standing, call_later)

    def close_session(self) -> Sequence[ClientEvent]:
        """Return the event that asks for the end of the session and its final usage."""
        return [close_session()]

    def session_closed(self, text: str) -> Literal["requested", "unrequested"] | None:
        """Return why a session was closed; None for other events than ``session.closed``."""
        closed = _closed(text)
        if closed is None:
            return None
        return "requested" if closed.get("reason") == "close_requested" else "unrequested"

    def session_end(self, text: str) -> str | None:
        """Return the message of a session that has expired; None for other events."""
        closed = _closed(text)
        return "" if closed is not None and closed.get("reason") == "expired" else None


def _closed(text: str) -> Mapping[str, Any] | None:
    """Return the last event of a session; None for other events."""
    # Most events are skipped here without parsing them a second time.
    if "session.closed" not in text:
        return None
    try:
        event = json.loads(text)
    except ValueError:
        return None
    return event if isinstance(event, dict) and event.get("type") == "session.closed" else None


PROTOCOL: VoiceProtocol = LiveProtocol()
