"""Push-to-talk: where the session detects no turns, Python says when one begins and ends."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from rtc_widget.comm.messages import Direction

TAIL_SECONDS = 0.2
"""What is said at the moment of letting go is still on its way."""
SHORTEST_SECONDS = 0.3
"""A shorter press holds no word; servers refuse to commit it."""

_CONCERNS_IT = re.compile(r'"(response\.(created|done)|output_audio_buffer\.\w+)"')


class PushToTalk:
    """The turns that are enclosed by hand.

    Parameters
    ----------
    send : callable
        Sends events, as texts.
    """

    def __init__(self, send: Callable[[Sequence[str]], None]) -> None:
        self._send = send
        self._responses: set[str] = set()
        self._is_voice_out = False
        self._held_since: float | None = None
        self._tail: asyncio.TimerHandle | None = None

    def press(self) -> None:
        """Begin a turn: what the assistant is saying stops, what was heard before is forgotten."""
        if self._held_since is not None:
            return
        if self._tail is not None:
            self._finish(0.0)
        events = [{"type": "input_audio_buffer.clear"}]
        if self._responses:
            events.append({"type": "response.cancel"})
        if self._is_voice_out:
            events.append({"type": "output_audio_buffer.clear"})
        self._tell(events)
        self._held_since = asyncio.get_running_loop().time()

    def release(self) -> None:
        """End the turn and ask for the answer; a mere tap is taken back."""
        if self._held_since is None:
            return
        loop = asyncio.get_running_loop()
        held = loop.time() - self._held_since
        self._held_since = None
        self._tail = loop.call_later(TAIL_SECONDS, self._finish, held)

    def end(self) -> None:
        """Forget it all: the call is over."""
        if self._tail is not None:
            self._tail.cancel()
        self._tail = self._held_since = None
        self._responses.clear()
        self._is_voice_out = False

    def note(self, direction: Direction, text: str) -> None:
        """Follow what the assistant is doing."""
        if direction == "sent" or not _CONCERNS_IT.search(text):
            return
        try:
            event: dict[str, Any] = json.loads(text)
            response = event.get("response") or {}
            match event["type"]:
                case "response.created":
                    # One beside the conversation is not what a person interrupts.
                    if response.get("conversation_id", "") is not None:
                        self._responses.add(response["id"])
                case "response.done":
                    self._responses.discard(response["id"])
                case "output_audio_buffer.started":
                    self._is_voice_out = True
                case "output_audio_buffer.stopped" | "output_audio_buffer.cleared":
                    self._is_voice_out = False
        except (ValueError, KeyError, TypeError, AttributeError):
            return  # the kernel gets it as it came and may make more of it

    def _finish(self, held: float) -> None:
        if self._tail is not None:
            self._tail.cancel()
            self._tail = None
        is_tap = held < SHORTEST_SECONDS
        turn = [{"type": "input_audio_buffer.commit"}, {"type": "response.create"}]
        self._tell([{"type": "input_audio_buffer.clear"}] if is_tap else turn)

    def _tell(self, events: list[dict[str, str]]) -> None:
        self._send([json.dumps(event) for event in events])
