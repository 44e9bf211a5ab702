"""The part of a wire protocol that reads events: their facts and turns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import Fact
from rtc_widget.conversation.protocol_lookup import protocol_object
from rtc_widget.conversation.turn import FunctionResult, Turn


class CallTurns(Protocol):
    """The turns of one call, reduced from its events."""

    @property
    def resumes(self) -> bool:
        """Whether the call continues the one before it."""
        ...

    @property
    def turns(self) -> list[Turn]:
        """The turns, in the order of the conversation."""
        ...

    @property
    def items(self) -> list[Turn | FunctionResult]:
        """The turns and the function calls that have an output, in the order of the conversation."""
        ...

    def add(self, event: Mapping[str, Any], now: float | None) -> None:
        """Process one event that arrived `now` seconds after the call began; None if the time is unknown."""

    def is_piece(self, event: Mapping[str, Any]) -> bool:
        """Whether an event has a piece of a text that no event so far has as a whole."""
        ...

    def end(self, now: float | None = None) -> None:
        """Process the end of the call, `now` seconds after it began; may be repeated, and late events may follow.

        Of a response that was still spoken, the part until then was played. None: the time is unknown, unless an
        earlier call of `end` has given it.
        """


class EventReader(Protocol):
    """The part of a wire protocol that reads events."""

    def facts(self, event: Event) -> Iterable[Fact]:
        """Return the meaning of an event; most events have none."""
        ...

    def call_turns(self, number: int, *, resumes: bool) -> CallTurns:
        """Return the empty turns of a call; `number` counts calls from 1."""
        ...

    def typed(self, event: Event) -> Any:
        """Return the event as a model of the protocol's own package."""
        ...


def reader_of(protocol: str) -> EventReader:
    """Return the reader of a protocol's events.

    Raises
    ------
    ValueError
        If there is no such protocol.
    """
    reader: EventReader = protocol_object(protocol)
    return reader


def facts_of(event: Event) -> Iterable[Fact]:
    """Return the meaning of an event by its protocol."""
    return reader_of(event.protocol).facts(event)
