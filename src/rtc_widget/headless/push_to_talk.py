"""Push-to-talk: without turn detection, Python decides when a turn begins and ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence

from rtc_widget.conversation.facts import Fact, ResponseEnded, ResponseStarted, SpeechEnded, SpeechStarted
from rtc_widget.protocols.base import ClientEvent, VoiceProtocol

TAIL_SECONDS = 0.2
"""How long the turn continues after the release, so that it contains the last word."""
SHORTEST_SECONDS = 0.3
"""A shorter turn contains no word; servers refuse to commit it."""


class PushToTalk:
    """Begins and ends turns by hand.

    Parameters
    ----------
    protocol : VoiceProtocol
        Creates the events of a turn.
    send : callable
        Sends events, as texts.
    """

    def __init__(self, protocol: VoiceProtocol, send: Callable[[Sequence[str]], None]) -> None:
        self._protocol = protocol
        self._send = send
        self._responses: set[str] = set()
        self._is_speaking = False
        self._held_since: float | None = None
        self._tail: asyncio.TimerHandle | None = None
        self._is_on = False

    @property
    def is_held_back(self) -> bool:
        """Whether the microphone is silent between two turns: where no event begins a turn, nothing else does."""
        return self._is_on and self._held_since is None and self._tail is None

    def press(self) -> None:
        """Begin a turn: the assistant stops, and the audio before it is discarded."""
        if self._held_since is not None:
            return
        if self._tail is not None:
            self._finish(0.0)
        events = self._protocol.begin_turn(is_responding=bool(self._responses), is_speaking=self._is_speaking)
        self._send_events(events)
        # Without an event that says so, the first press turns it on, for this call.
        self._is_on = not self._protocol.commit_turn()
        self._held_since = asyncio.get_running_loop().time()

    def release(self) -> None:
        """End the turn and ask for a response; a turn that is too short is discarded."""
        if self._held_since is None:
            return
        loop = asyncio.get_running_loop()
        held = loop.time() - self._held_since
        self._held_since = None
        self._tail = loop.call_later(TAIL_SECONDS, self._finish, held)

    def end(self) -> None:
        """Reset at the end of a call."""
        if self._tail is not None:
            self._tail.cancel()
        self._tail = self._held_since = None
        self._responses.clear()
        self._is_speaking = self._is_on = False

    def consume(self, facts: Iterable[Fact]) -> None:
        """Track what the assistant does."""
        for fact in facts:
            match fact:
                # A response out of band is not what the user interrupts.
                case ResponseStarted(is_out_of_band=False):
                    self._responses.add(fact.response_id)
                case ResponseEnded():
                    self._responses.discard(fact.response_id)
                case SpeechStarted(speaker="assistant"):
                    self._is_speaking = True
                case SpeechEnded(speaker="assistant"):
                    self._is_speaking = False

    def _finish(self, held: float) -> None:
        if self._tail is not None:
            self._tail.cancel()
            self._tail = None
        is_tap = held < SHORTEST_SECONDS
        self._send_events(self._protocol.discard_turn() if is_tap else self._protocol.commit_turn())

    def _send_events(self, events: Sequence[ClientEvent]) -> None:
        self._send([json.dumps(event) for event in events])
