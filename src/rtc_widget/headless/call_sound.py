"""The measured sound of a call, and what it means for the conversation; the twin of ``js/src/call/call_sound.ts``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from av import AudioFrame

from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import Fact, SpeechEnded, SpeechStarted
from rtc_widget.conversation.sound import MeasuredSound
from rtc_widget.headless.output_sound import OutputSound
from rtc_widget.headless.sound_detector import SoundChange
from rtc_widget.protocols.base import VoiceProtocol


class CallSound:
    """Measures the audio of the calls of one page; used on the page's loop.

    Parameters
    ----------
    protocol : VoiceProtocol
        Says what the sound means.
    on_change : callable
        Called when the assistant has become audible or silent, and the server has not said so.
    on_measured : callable
        Called with each event that the sound means; their times are those of `time.monotonic`.
    """

    def __init__(
        self,
        protocol: VoiceProtocol,
        on_change: Callable[[SoundChange], None],
        on_measured: Callable[[Event], None],
    ) -> None:
        self._protocol = protocol
        self._on_change = on_change
        self._on_measured = on_measured
        self._reader = protocol.sound_reader()
        self._output: OutputSound | None = None

    def begin(self) -> None:
        """A call has opened."""
        self._reader = self._protocol.sound_reader()
        self._output = OutputSound(self._change, lambda: time.time() * 1000)

    def take(self, frame: AudioFrame) -> None:
        """Take the next received frame."""
        if self._output is not None:
            self._output.take(frame)

    def consume(self, event: Event, facts: Sequence[Fact]) -> None:
        """Take a received event, and its facts."""
        if self._output is not None and any(map(_is_playback, facts)):
            self._output.server_reports()
        self._pass_on(self._reader.consume(event, facts))

    def silence(self) -> None:
        """Count the voice, if it is heard, as silent until it has paused."""
        if self._output is not None:
            self._output.silence()

    def end(self) -> None:
        """The call is over; harmless to repeat."""
        if self._output is not None:
            self._output.end()
            self._output = None

    def _change(self, change: SoundChange) -> None:
        self._on_change(change)
        elapsed = time.monotonic() - (time.time() - change.at_ms / 1000)
        moment = datetime.fromtimestamp(change.at_ms / 1000, UTC)
        self._pass_on(self._reader.take(MeasuredSound("assistant", change.is_audible, elapsed, moment)))

    def _pass_on(self, events: Iterable[Event]) -> None:
        for event in events:
            self._on_measured(event)


def _is_playback(fact: Fact) -> bool:
    """Whether the server reports when the assistant's audio is played."""
    return isinstance(fact, SpeechStarted | SpeechEnded) and fact.speaker == "assistant"
