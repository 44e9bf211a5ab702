"""What is told to a new call, so that it goes on where the lost one stopped: the settings, then what was said."""

from __future__ import annotations

import json
from uuid import uuid4

from rtc_widget.comm.messages import Direction
from rtc_widget.conversation.transcript import Transcript
from rtc_widget.protocols.realtime.transcript_reducer import CARRIED

MOST_TURNS = 100
"""Older turns are left out: every turn is read, and paid for, again."""


class Resumption:
    """Listens to a conversation, to tell it to another call."""

    def __init__(self) -> None:
        self._updates: list[str] = []
        self._transcript = Transcript()

    def begin_call(self, *, resumes: bool) -> None:
        """Note that what follows belongs to another call; one that does not go on with the last begins anew."""
        if not resumes:
            self._updates = []
            self._transcript = Transcript()
        self._transcript.begin_call(resumes=resumes)

    def note(self, direction: Direction, text: str) -> None:
        """Take in an event as it went over the channel."""
        if direction == "sent" and '"session.update"' not in text:
            return
        try:
            event = json.loads(text)
            if direction == "received":
                self._transcript.add(event)
            elif event["type"] == "session.update":
                self._updates.append(text)
        except (ValueError, TypeError, KeyError, AttributeError):
            return  # the kernel gets it as it came and may make more of it

    def events(self) -> list[str]:
        """Return the client events that bring a new call up to the state of the conversation."""
        said = [turn for turn in self._transcript if turn.text]
        return self._updates + [_carried(turn.role, turn.text) for turn in said[-MOST_TURNS:]]


def _carried(role: str, text: str) -> str:
    # The id tells both transcripts that this is no new turn. The service takes ids of 32 characters.
    item = {
        "id": f"{CARRIED}{uuid4().hex}"[:32],
        "type": "message",
        "role": role,
        "content": [{"type": "input_text" if role == "user" else "output_text", "text": text}],
    }
    return json.dumps({"type": "conversation.item.create", "item": item}, ensure_ascii=False)
