"""Who speaks, by the audio that the page measures: no event of GPT-Live says it."""

from __future__ import annotations

from collections.abc import Iterable

from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import Fact
from rtc_widget.conversation.sound import MeasuredSound
from rtc_widget.protocols.live.facts import SOUND


class MeasuredSpeech:
    """Converts each measurement to one event; see `rtc_widget.conversation.sound.SoundReader`."""

    def consume(self, event: Event, facts: Iterable[Fact]) -> Iterable[Event]:
        """Return nothing: the measured audio needs no other event."""
        return []

    def take(self, sound: MeasuredSound) -> Iterable[Event]:
        """Return the event of a measurement."""
        raw = {"type": SOUND, "speaker": sound.speaker, "is_audible": sound.is_audible, "measured": True}
        return [Event(raw, time=sound.time, elapsed=sound.elapsed, protocol="live")]
