"""Who said what: the events of a call folded into turns, in the order of the conversation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, overload

Role = Literal["user", "assistant"]
TurnStatus = Literal["in_progress", "completed", "interrupted", "failed"]

CARRIED = "carried_"
"""Begins the ids of items that were said in an earlier call and only told to a new one (twin: `conversation.ts`)."""

SEAMS: Mapping[bool, str] = {True: "── connected again ──", False: "── new call ──"}

_TRANSCRIPTION = "conversation.item.input_audio_transcription."
_RESPONSE_STATUS: Mapping[str, TurnStatus] = {
    "completed": "completed",
    "cancelled": "interrupted",
    "incomplete": "interrupted",
    "failed": "failed",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side said at a time.

    Attributes
    ----------
    role : {"user", "assistant"}
        Who spoke or wrote.
    text : str
        What was said, as far as it is known; empty until the recogniser has answered.
    item_id : str
        The server's id of the conversation item.
    status : {"in_progress", "completed", "interrupted", "failed"}
        Whether more may come, and how it ended.
    call : int
        In which call it was said: 1 in the first, one more after each seam.
    """

    role: Role
    text: str
    item_id: str
    status: TurnStatus = "in_progress"
    call: int = 1

    def __str__(self) -> str:
        return f"{self.role}: {self.text}"


class Transcript(Sequence[Turn]):
    """The turns of a conversation, in its order rather than in the order in which their events came.

    Understands the GA Realtime events and, for older servers, their beta names. Events it does not know change nothing.

    Examples
    --------
    >>> transcript = Transcript()
    >>> transcript.add({"type": "response.output_text.delta", "item_id": "item_1", "delta": "Hello"})
    >>> transcript[0].text
    'Hello'
    """

    def __init__(self, events: Iterable[Mapping[str, Any]] = ()) -> None:
        # Servers may count their items from one in each call, so each call is folded by itself.
        self._calls = [_Call(1, resumes=False)]
        self._begun = False
        for event in events:
            self.add(event)

    def add(self, event: Mapping[str, Any]) -> None:
        """Fold in one event (a raw dict or an `Event`)."""
        self._calls[-1].add(event)

    def begin_call(self, *, resumes: bool) -> None:
        """Note that what follows is said in another call, which goes on with the one before it or does not."""
        if self._begun:
            self.end_call()
            self._calls.append(_Call(len(self._calls) + 1, resumes=resumes))
        self._begun = True

    def end_call(self) -> None:
        """Note that the call is over: what was still being said will not be finished."""
        self._calls[-1].end()

    @property
    def _turns(self) -> list[Turn]:
        return [turn for call in self._calls for turn in call.turns]

    @overload
    def __getitem__(self, index: int) -> Turn: ...
    @overload
    def __getitem__(self, index: slice) -> list[Turn]: ...
    def __getitem__(self, index: int | slice) -> Turn | list[Turn]:
        return self._turns[index]

    def __len__(self) -> int:
        return len(self._turns)

    def __str__(self) -> str:
        lines: list[str] = []
        turns = self._turns
        for before, turn in zip([None, *turns], turns, strict=False):
            if before is not None and before.call != turn.call:
                lines.append(SEAMS[self._calls[turn.call - 1].resumes])
            lines.append(str(turn))
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self) or "<Transcript: 0 turns>"


class _Call:
    """The turns of one call."""

    def __init__(self, number: int, *, resumes: bool) -> None:
        self.resumes = resumes
        self._number = number
        self._order: list[str] = []
        self._turns: dict[str, Turn] = {}
        self._responses: dict[str, str] = {}

    @property
    def turns(self) -> list[Turn]:
        return [self._turns[item_id] for item_id in self._order if item_id in self._turns]

    def add(self, event: Mapping[str, Any]) -> None:
        kind = event.get("type")
        handler = _HANDLERS.get(kind) if isinstance(kind, str) else None
        if handler is not None:
            handler(self, event)

    def end(self) -> None:
        for turn in self.turns:
            if turn.status == "in_progress":
                self._turns[turn.item_id] = replace(turn, status="interrupted")

    def item(self, event: Mapping[str, Any]) -> None:
        item = event.get("item")
        if not isinstance(item, Mapping) or not isinstance(item.get("id"), str):
            return
        item_id = item["id"]
        if isinstance(event.get("response_id"), str):
            self._responses[item_id] = event["response_id"]
        self._place(item_id, after=event.get("previous_item_id"))
        role = item.get("role")
        if item_id.startswith(CARRIED) or item.get("type") != "message" or role not in ("user", "assistant"):
            return
        turn = self._turn(role, item_id)
        text = _content_text(item.get("content")) or turn.text
        status = turn.status
        # A spoken item is complete before its words are known; a written one brings them along.
        if status == "in_progress" and item.get("status") in _RESPONSE_STATUS and (text or role == "assistant"):
            status = _RESPONSE_STATUS[item["status"]]
        self._turns[item_id] = replace(turn, text=text, status=status)

    def deleted(self, event: Mapping[str, Any]) -> None:
        item_id = event.get("item_id")
        if isinstance(item_id, str) and item_id in self._order:
            self._order.remove(item_id)
            self._turns.pop(item_id, None)

    def heard_more(self, event: Mapping[str, Any]) -> None:
        self._append("user", event)

    def heard_all(self, event: Mapping[str, Any]) -> None:
        self._finish("user", event, "transcript", status="completed")

    def heard_nothing(self, event: Mapping[str, Any]) -> None:
        self._finish("user", event, "", status="failed")

    def said_more(self, event: Mapping[str, Any]) -> None:
        self._append("assistant", event)

    def said_all(self, event: Mapping[str, Any]) -> None:
        self._finish("assistant", event, "transcript")

    def wrote_all(self, event: Mapping[str, Any]) -> None:
        self._finish("assistant", event, "text")

    def truncated(self, event: Mapping[str, Any]) -> None:
        self._set_status(event.get("item_id"), "interrupted")

    def silenced(self, event: Mapping[str, Any]) -> None:
        for item_id, response_id in self._responses.items():
            if response_id == event.get("response_id"):
                self._set_status(item_id, "interrupted")

    def response_done(self, event: Mapping[str, Any]) -> None:
        response = event.get("response")
        if not isinstance(response, Mapping):
            return
        status = _RESPONSE_STATUS.get(str(response.get("status")))
        output = response.get("output")
        for item in output if isinstance(output, (list, tuple)) else ():
            if isinstance(item, Mapping) and status is not None:
                self._set_status(item.get("id"), status)

    def _set_status(self, item_id: object, status: TurnStatus) -> None:
        turn = self._turns.get(item_id) if isinstance(item_id, str) else None
        # What was cut short stays so, although its response may have been complete.
        if turn is not None and turn.status != "interrupted":
            self._turns[turn.item_id] = replace(turn, status=status)

    def _append(self, role: Role, event: Mapping[str, Any]) -> None:
        item_id, piece = event.get("item_id"), event.get("delta")
        if isinstance(item_id, str) and isinstance(piece, str):
            self._place(item_id)
            turn = self._turn(role, item_id)
            self._turns[item_id] = replace(turn, text=turn.text + piece)

    def _finish(self, role: Role, event: Mapping[str, Any], field: str, *, status: TurnStatus | None = None) -> None:
        item_id, text = event.get("item_id"), event.get(field)
        if isinstance(item_id, str):
            self._place(item_id)
            turn = self._turn(role, item_id)
            self._turns[item_id] = replace(
                turn, text=text.strip() if isinstance(text, str) else turn.text, status=status or turn.status
            )

    def _turn(self, role: Role, item_id: str) -> Turn:
        return self._turns.get(item_id) or Turn(role, "", item_id, call=self._number)

    def _place(self, item_id: str, after: object = None) -> None:
        if item_id in self._order:
            return
        place = self._order.index(after) + 1 if isinstance(after, str) and after in self._order else len(self._order)
        self._order.insert(place, item_id)


def _content_text(content: object) -> str:
    """Join what an item's content parts say: text, or the transcript of sound."""
    parts = content if isinstance(content, (list, tuple)) else ()
    words = [part.get("text") or part.get("transcript") for part in parts if isinstance(part, Mapping)]
    return " ".join(word.strip() for word in words if isinstance(word, str) and word.strip())


_HANDLERS: Mapping[str, Callable[[_Call, Mapping[str, Any]], None]] = {
    "conversation.item.added": _Call.item,
    "conversation.item.created": _Call.item,
    "conversation.item.done": _Call.item,
    "conversation.item.deleted": _Call.deleted,
    "conversation.item.truncated": _Call.truncated,
    f"{_TRANSCRIPTION}delta": _Call.heard_more,
    f"{_TRANSCRIPTION}completed": _Call.heard_all,
    f"{_TRANSCRIPTION}failed": _Call.heard_nothing,
    "output_audio_buffer.cleared": _Call.silenced,
    "response.output_item.added": _Call.item,
    "response.output_item.done": _Call.item,
    "response.output_audio_transcript.delta": _Call.said_more,
    "response.output_audio_transcript.done": _Call.said_all,
    "response.output_text.delta": _Call.said_more,
    "response.output_text.done": _Call.wrote_all,
    "response.done": _Call.response_done,
    # The beta's names, which other servers still use.
    "response.audio_transcript.delta": _Call.said_more,
    "response.audio_transcript.done": _Call.said_all,
    "response.text.delta": _Call.said_more,
    "response.text.done": _Call.wrote_all,
}
