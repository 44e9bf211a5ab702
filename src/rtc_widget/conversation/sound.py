"""What the page measures of the assistant's audio, where the server does not report when it is played."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import Fact
from rtc_widget.types import Role


@dataclass(frozen=True, slots=True)
class MeasuredSound:
    """One side has become audible or silent, as the page measured it.

    Attributes
    ----------
    speaker : {"user", "assistant"}
        Whose audio it is.
    is_audible : bool
        Whether its level rose above -54 dBFS. False: it has been below for 0.5 s.
    elapsed : float
        When the audio began, or when its last sound ended; seconds since the call's first event, as `Event.elapsed`.
    time : datetime.datetime
        The same as a date.
    """

    speaker: Role
    is_audible: bool
    elapsed: float
    time: datetime


class SoundReader(Protocol):
    """Converts the measured audio of one call to events of its protocol, which have the field ``measured``.

    They are read like received events, for the transcript, the speaking states and the latency. They are not part of
    the log, and callbacks do not get them.
    """

    def consume(self, event: Event, facts: Iterable[Fact]) -> Iterable[Event]:
        """Process the next event of the call and its facts; return the events that the measured audio makes of it."""
        ...

    def take(self, sound: MeasuredSound) -> Iterable[Event]:
        """Process a measurement; return the events that it means."""
        ...
