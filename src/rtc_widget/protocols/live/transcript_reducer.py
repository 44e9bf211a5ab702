"""The turns of one call, reduced from the events of GPT-Live.

The service sends fragments of text with times on the session clock, and no turns. `tests/contract/live_transcript.json`
has the cases by which page and kernel fold them in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rtc_widget._unicode import well_formed
from rtc_widget.conversation.turn import FunctionResult, Turn, TurnStatus
from rtc_widget.protocols.live.client_events import TYPED
from rtc_widget.protocols.live.delegations import Delegations
from rtc_widget.protocols.live.numbers import milliseconds
from rtc_widget.types import Role

_SPEAKERS: Mapping[str, Role] = {
    "session.input_transcript.delta": "user",
    "session.output_transcript.delta": "assistant",
}

_QUIET_MS = 1500
"""A speaker who was quiet for this time begins a new turn."""
_YIELDED_MS = 600
"""The same, where the other side has begun to speak since."""
_WORD_GAP_MS = 200
OVER_MS = 2000
"""A turn is over when this time has passed since its last words."""


@dataclass(slots=True)
class _Fold:
    """A turn in the making; times in milliseconds on the session clock, `arrived` in seconds of the call."""

    number: int
    role: Role
    text: str
    start: float
    end: float
    status: TurnStatus
    arrived: float | None
    has_sound: bool = True
    """Whether its words took time to be said."""
    is_written: bool = False
    is_closed: bool = False
    """Whether the speaker has written something since."""
    is_noted: bool = False
    """The text comes from the note for the voice model; the message for the backend may follow and is complete."""


class LiveTurns:
    """The turns of one call; see `rtc_widget.conversation.event_reader.CallTurns`."""

    def __init__(self, number: int, *, resumes: bool) -> None:
        self.resumes = resumes
        self._number = number
        self._folds: list[_Fold] = []
        # The last turn of each side that was spoken, and the last one that was spoken or written.
        self._spoken: dict[Role, _Fold] = {}
        self._newest: dict[Role, _Fold] = {}
        self._clock = 0.0
        self._now: float | None = None
        self._seen: set[str] = set()
        self._delegations = Delegations(number)
        self._is_closed = self._is_ended = False

    @property
    def turns(self) -> list[Turn]:
        """The turns, ordered by the session clock."""
        return [self._turn(fold) for fold in self._ordered()]

    @property
    def items(self) -> list[Turn | FunctionResult]:
        """The turns and the function calls that have an output, ordered by the session clock."""
        timed: list[tuple[float, Turn | FunctionResult]] = [(one.start, self._turn(one)) for one in self._ordered()]
        timed += [
            (one.clock, FunctionResult(one.name, one.arguments, one.output))
            for one in self._delegations.functions
            if one.output is not None
        ]
        return [item for _, item in sorted(timed, key=lambda pair: pair[0])]

    @property
    def delegations(self) -> Delegations:
        """What the voice model has handed over, and which functions were called."""
        return self._delegations

    def add(self, event: Mapping[str, Any], now: float | None) -> None:
        """Process one event that arrived `now` seconds after the call began; None if the time is unknown."""
        self._now = now if now is not None else self._now
        kind = event.get("type")
        if isinstance(kind, str) and kind in _SPEAKERS:
            if isinstance(event.get("delta"), str) and event["delta"] and not self._is_repeated(event.get("event_id")):
                self._words(_SPEAKERS[kind], event)
        elif kind == "session.thinking.append":
            self._noted(event)
        elif kind == "response.item.create":
            self._item(event.get("item"))
        elif kind == "session.closed":
            self._is_closed = True
        for name in ("start_ms", "end_ms", "offset_ms"):
            self._clock = max(self._clock, milliseconds(event.get(name)) or 0.0)
        self._delegations.add(event, self._clock)
        for fold in self._spoken.values():
            if fold.status == "in_progress" and self._is_over(fold):
                fold.status = "completed"

    def is_piece(self, event: Mapping[str, Any]) -> bool:
        """Whether an event has a piece of a text that no event has as a whole: every fragment."""
        return event.get("type") in _SPEAKERS

    def end(self, now: float | None = None) -> None:
        """Process the end of the call. Harmless to repeat."""
        self._is_ended = True
        self._delegations.end()

    def _ordered(self) -> list[_Fold]:
        shown = [fold for fold in self._folds if fold.text.strip()]
        return sorted(shown, key=lambda fold: (fold.start, fold.number))

    def _turn(self, fold: _Fold) -> Turn:
        status = "interrupted" if self._is_ended and fold.status == "in_progress" else fold.status
        start, end = fold.start / 1000, None if status == "in_progress" else fold.end / 1000
        if fold.is_written and fold.arrived is not None:
            # The session clock is only known as of the last words.
            start = end = fold.arrived
        text = well_formed(fold.text.strip())
        is_unspoken = fold.role == "assistant" and not fold.has_sound and status != "in_progress"
        played = 0.0 if is_unspoken else 1.0
        return Turn(fold.role, text, f"turn_{fold.number}", status, self._number, start, end, played, is_unspoken)

    def _is_repeated(self, event_id: object) -> bool:
        if not isinstance(event_id, str):
            return False
        is_known = event_id in self._seen
        self._seen.add(event_id)
        return is_known

    def _words(self, role: Role, event: Mapping[str, Any]) -> None:
        text, fold = str(event["delta"]), self._spoken.get(role)
        start = milliseconds(event.get("start_ms"))
        start = (fold.end if fold is not None else self._clock) if start is None else start
        end = milliseconds(event.get("end_ms"))
        has_sound = end is None or end > start
        end = start if end is None else end
        if fold is not None and not any(map(str.isalnum, text)):
            # A late "." belongs to the words before it, and nobody has spoken.
            fold.text += text
            return
        if fold is None or self._begins_turn(fold, start):
            if fold is not None and fold.status == "in_progress":
                fold.status = "completed"
            self._spoken[role] = fold = self._open(role, text, start, end)
            fold.has_sound = has_sound
            return
        fold.text += (" " if _needs_blank(fold.text, text, start - fold.end) else "") + text
        fold.end, fold.arrived = max(fold.end, end), self._now
        fold.has_sound = fold.has_sound or has_sound
        fold.status = "in_progress"

    def _begins_turn(self, fold: _Fold, start: float) -> bool:
        quiet = start - fold.end
        if fold.is_closed or quiet >= _QUIET_MS:
            return True
        other = self._newest.get("assistant" if fold.role == "user" else "user")
        return (
            quiet >= _YIELDED_MS
            and other is not None
            and other.start > fold.start
            and other.end >= fold.end - _YIELDED_MS
        )

    def _open(self, role: Role, text: str, start: float, end: float) -> _Fold:
        fold = _Fold(len(self._folds) + 1, role, text, start, end, "in_progress", self._now)
        self._folds.append(fold)
        self._newest[role] = fold
        return fold

    def _is_over(self, fold: _Fold) -> bool:
        if self._is_closed:
            return True
        if fold.role == "assistant" and self._delegations.is_open:
            return False
        waited = self._now - fold.arrived if self._now is not None and fold.arrived is not None else 0.0
        return self._clock - fold.end >= OVER_MS or waited * 1000 >= OVER_MS

    def _noted(self, event: Mapping[str, Any]) -> None:
        content = event.get("content")
        if isinstance(content, str) and content.startswith(TYPED):
            self._written(content.removeprefix(TYPED)).is_noted = True

    def _written(self, text: str) -> _Fold:
        if (spoken := self._spoken.get("user")) is not None:
            spoken.is_closed = True
        fold = self._open("user", text, self._clock, self._clock)
        fold.status, fold.is_written = "completed", True
        return fold

    def _item(self, item: object) -> None:
        if isinstance(item, Mapping) and item.get("type", "message") == "message" and item.get("role") == "user":
            text = _written_text(item.get("content"))
            noted = next((one for one in reversed(self._folds) if one.is_noted), None)
            if noted is not None:
                noted.text, noted.is_noted = text, False
            else:
                self._written(text)


def _needs_blank(before: str, after: str, gap: float) -> bool:
    if before[-1:].isspace() or after[:1].isspace() or not after[:1].isupper():
        return False
    return before[-1:] in (".", "!", "?", "…") or gap >= _WORD_GAP_MS


def _written_text(content: object) -> str:
    parts = content if isinstance(content, (list, tuple)) else [{"type": "input_text", "text": content}]
    lines: list[str] = []
    for part in parts:
        if not isinstance(part, Mapping):
            continue
        if part.get("type") == "input_image":
            lines.append("[image]")
        elif isinstance(text := part.get("text"), str):
            lines.append(text)
    return "\n".join(lines)
