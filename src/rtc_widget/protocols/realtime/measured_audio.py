"""The playback of responses by the measured sound, for servers that send no ``output_audio_buffer.*`` events.

The twin of ``js/src/protocols/realtime/measured_audio.ts``; ``tests/contract/realtime_sound.json`` holds both together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import Fact, ResponseEnded, ResponseStarted
from rtc_widget.conversation.json_object import fields_of
from rtc_widget.conversation.sound import MeasuredSound

_TEXT_DELTAS = ("response.output_text.delta", "response.text.delta")


class MeasuredAudio:
    """Says which response is heard: audio is played in the order of the responses; see `SoundReader`.

    A pause while a response is still generated does not end it. A server that reports its audio is believed.
    """

    def __init__(self) -> None:
        self._is_reported = False
        # The responses that were not heard yet, oldest first, and how those that have ended did.
        self._waiting: list[str] = []
        self._ended: dict[str, str] = {}
        self._playing: str | None = None
        self._sound: MeasuredSound | None = None

    def consume(self, event: Event, facts: Iterable[Fact]) -> Iterable[Event]:
        """Process the next event of the call."""
        if self._is_reported or event.direction == "sent":
            return ()
        if event.type.startswith("output_audio_buffer."):
            self._is_reported = True
            return []
        if event.type in _TEXT_DELTAS:
            self._drop(str(fields_of(event).get("response_id")))
        return [made for fact in facts for made in self._take_fact(fact, event)]

    def _take_fact(self, fact: Fact, event: Event) -> Iterable[Event]:
        match fact:
            case ResponseStarted(is_out_of_band=False):
                self._waiting.append(fact.response_id)
                return self._start(event)
            case ResponseEnded():
                if fact.response_id in self._waiting and not fact.has_audio:
                    self._drop(fact.response_id)
                else:
                    self._ended[fact.response_id] = fact.status
                return self._stop()
        return []

    def take(self, sound: MeasuredSound) -> Iterable[Event]:
        """Process a measurement."""
        if self._is_reported or sound.speaker != "assistant":
            return []
        self._sound = sound
        return self._start() if sound.is_audible else self._stop()

    def _start(self, created: Event | None = None) -> Iterable[Event]:
        """Begin the next response, if something is heard and none is played; not before it was created."""
        if self._playing is not None or not self._waiting or self._sound is None or not self._sound.is_audible:
            return []
        self._playing = self._waiting.pop(0)
        return [self._event("started", self._playing, created)]

    def _stop(self) -> Iterable[Event]:
        """End the response that was played, if it is complete and nothing is heard."""
        sound, response_id = self._sound, self._playing
        if response_id is None or response_id not in self._ended or sound is None or sound.is_audible:
            return []
        self._playing = None
        is_cut = self._ended.pop(response_id) == "cancelled"
        return [self._event("cleared" if is_cut else "stopped", response_id)]

    def _drop(self, response_id: str) -> None:
        if response_id in self._waiting:
            self._waiting.remove(response_id)

    def _event(self, what: str, response_id: str, created: Event | None = None) -> Event:
        at = self._sound if created is None else created
        assert at is not None  # noqa: S101 - set by the callers
        raw: Mapping[str, object] = {
            "type": f"output_audio_buffer.{what}",
            "response_id": response_id,
            "measured": True,
        }
        return Event(raw, time=at.time, elapsed=at.elapsed)
