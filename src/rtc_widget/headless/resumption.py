"""The events that let a new call resume another: the changed settings, then the turns and function calls."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from rtc_widget._unicode import json_text
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.transcript import Transcript
from rtc_widget.conversation.turn import FunctionResult, Turn
from rtc_widget.protocols.base import ClientEvent, VoiceProtocol

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
        # Sent events as well: they have the outputs of functions, which not every server confirms.
        self._transcript.add(event)
        if event.direction == "received":
            return
        if self._to_repeat and text == self._to_repeat[0]:
            # A change that `events` has repeated: it is recorded already.
            self._to_repeat.popleft()
        elif self._protocol.is_session_change(text):
            self._changes.append(text)

    def end_call(self, at: float) -> None:
        """End the call, whose audio was heard until this time; harmless to repeat."""
        self._transcript.end_call(at=at)

    def events(self) -> list[list[str]]:
        """Return the client events that give a new call the settings and the conversation, in groups.

        Each group must be sent as a whole or not at all. Of an interrupted response only the part that was heard is
        repeated; unspoken text was read. A function call without its output is left out, since the new call would wait
        for it.
        """
        items = [
            item
            for item in self._transcript.with_function_results()
            if isinstance(item, FunctionResult) or _received(item)
        ]
        carried = [self._carried(item) for item in items[-MAX_TURNS:]]
        groups = [[json_text(event) for event in group] for group in carried if group]
        return [[change] for change in self._changes] + groups

    def _carried(self, item: Turn | FunctionResult) -> Sequence[ClientEvent]:
        if isinstance(item, FunctionResult):
            return self._protocol.carry_function_result(item)
        return self._protocol.carry_turn(item.role, _received(item))


def _received(turn: Turn) -> str:
    """Return what the user has heard of a turn, or read of one that was not spoken."""
    return turn.text if turn.unspoken else turn.heard
