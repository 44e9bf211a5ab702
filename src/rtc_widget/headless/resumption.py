"""The events that let a new call resume a lost one: the changed settings, then the turns."""

from __future__ import annotations

from collections import deque

from rtc_widget._unicode import json_text
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.transcript import Transcript
from rtc_widget.protocols.base import VoiceProtocol

MAX_TURNS = 100
"""Older turns are left out: the server processes, and charges for, every turn again."""


class Resumption:
    """Follows a conversation in order to repeat it to another call.

    Parameters
    ----------
    protocol : VoiceProtocol
        Recognizes events that change settings, and creates events that repeat a turn.
    """

    def __init__(self, protocol: VoiceProtocol) -> None:
        self._protocol = protocol
        self._changes: list[str] = []
        self._to_repeat: deque[str] = deque()
        self._transcript = Transcript(protocol=protocol.name)

    @property
    def transcript(self) -> Transcript:
        """The conversation since the last call that did not resume another."""
        return self._transcript

    def begin_call(self, *, resumes: bool) -> None:
        """Begin another call; without `resumes`, drop the conversation so far."""
        if not resumes:
            self._changes = []
            self._transcript = Transcript(protocol=self._protocol.name)
        self._to_repeat = deque(self._changes)
        self._transcript.begin_call(resumes=resumes)

    def consume(self, event: Event, text: str) -> None:
        """Process an event and its text on the data channel."""
        if event.direction == "received":
            self._transcript.add(event)
        elif self._to_repeat and text == self._to_repeat[0]:
            # A change that `events` has repeated: it is recorded already.
            self._to_repeat.popleft()
        elif self._protocol.is_session_change(text):
            self._changes.append(text)

    def events(self) -> list[str]:
        """Return the client events that give a new call the settings and the turns of the conversation.

        Of an interrupted response only the part that was heard is repeated. Unspoken text was read.
        """
        known = [(turn.role, turn.text if turn.unspoken else turn.heard) for turn in self._transcript]
        carried = [self._protocol.carry_turn(role, text) for role, text in known if text][-MAX_TURNS:]
        return self._changes + [json_text(event) for event in carried]
