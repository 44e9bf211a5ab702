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

    Understands the GA Realtime events and, for older servers, ``conversation.item.created``. Events it does not know
    change nothing.

    Examples
    --------
    >>> transcript = Transcript()
    >>> transcript.add({"type": "response.output_text.delta", "item_id": "item_1", "delta": "Hello"})
    >>> transcript[0].text
    'Hello'
    """

    def __init__(self, events: Iterable[Mapping[str, Any]] = ()) -> None:
        self._order: list[str] = []
        self._turns: dict[str, Turn] = {}
        self._resumed: list[bool] = []
        for event in events:
            self.add(event)

    def add(self, event: Mapping[str, Any]) -> None:
        """Fold in one event (a raw dict or an `Event`)."""
        kind = event.get("type")
        handler = _HANDLERS.get(kind) if isinstance(kind, str) else None
        if handler is not None:
            handler(self, event)

    def begin_call(self, *, resumes: bool) -> None:
        """Note that what follows is said in another call, which goes on with the one before it or does not."""
        self._resumed.append(resumes)

    @property
    def _call(self) -> int:
        return max(1, len(self._resumed))

    def _item(self, event: Mapping[str, Any]) -> None:
        item = event.get("item")
        if not isinstance(item, Mapping) or not isinstance(item.get("id"), str):
            return
        item_id = item["id"]
        self._place(item_id, after=event.get("previous_item_id"))
        role = item.get("role")
        if item_id.startswith(CARRIED):
            return
        if item.get("type") != "message" or role not in ("user", "assistant"):
            return
        turn = self._turns.get(item_id) or Turn(role, "", item_id, call=self._call)
        text = _content_text(item.get("content")) or turn.text
        status = turn.status
        # A spoken item is complete before its words are known; a written one brings them along.
        if status == "in_progress" and item.get("status") in _RESPONSE_STATUS and (text or role == "assistant"):
            status = _RESPONSE_STATUS[item["status"]]
        self._turns[item_id] = replace(turn, text=text, status=status)

    def _deleted(self, event: Mapping[str, Any]) -> None:
        item_id = event.get("item_id")
        if isinstance(item_id, str) and item_id in self._order:
            self._order.remove(item_id)
            self._turns.pop(item_id, None)

    def _heard_more(self, event: Mapping[str, Any]) -> None:
        self._append("user", event, "delta")

    def _heard_all(self, event: Mapping[str, Any]) -> None:
        self._finish("user", event, "transcript", status="completed")

    def _heard_nothing(self, event: Mapping[str, Any]) -> None:
        self._finish("user", event, "", status="failed")

    def _said_more(self, event: Mapping[str, Any]) -> None:
        self._append("assistant", event, "delta")

    def _said_all(self, event: Mapping[str, Any]) -> None:
        self._finish("assistant", event, "transcript")

    def _wrote_all(self, event: Mapping[str, Any]) -> None:
        self._finish("assistant", event, "text")

    def _response_done(self, event: Mapping[str, Any]) -> None:
        response = event.get("response")
        if not isinstance(response, Mapping):
            return
        status = _RESPONSE_STATUS.get(str(response.get("status")))
        output = response.get("output")
        for item in output if isinstance(output, (list, tuple)) else ():
            turn = self._turns.get(str(item.get("id"))) if isinstance(item, Mapping) else None
            if turn is not None and status is not None:
                self._turns[turn.item_id] = replace(turn, status=status)

    def _append(self, role: Role, event: Mapping[str, Any], field: str) -> None:
        item_id, piece = event.get("item_id"), event.get(field)
        if isinstance(item_id, str) and isinstance(piece, str):
            self._place(item_id)
            turn = self._turns.get(item_id) or Turn(role, "", item_id, call=self._call)
            self._turns[item_id] = replace(turn, text=turn.text + piece)

    def _finish(self, role: Role, event: Mapping[str, Any], field: str, *, status: TurnStatus | None = None) -> None:
        item_id, text = event.get("item_id"), event.get(field)
        if isinstance(item_id, str):
            self._place(item_id)
            turn = self._turns.get(item_id) or Turn(role, "", item_id, call=self._call)
            self._turns[item_id] = replace(
                turn, text=text.strip() if isinstance(text, str) else turn.text, status=status or turn.status
            )

    def _place(self, item_id: str, after: object = None) -> None:
        if item_id in self._turns or item_id in self._order:
            return
        place = self._order.index(after) + 1 if isinstance(after, str) and after in self._order else len(self._order)
        self._order.insert(place, item_id)

    @property
    def _visible(self) -> list[Turn]:
        return [self._turns[item_id] for item_id in self._order if item_id in self._turns]

    @overload
    def __getitem__(self, index: int) -> Turn: ...
    @overload
    def __getitem__(self, index: slice) -> list[Turn]: ...
    def __getitem__(self, index: int | slice) -> Turn | list[Turn]:
        return self._visible[index]

    def __len__(self) -> int:
        return len(self._turns)

    def __str__(self) -> str:
        lines: list[str] = []
        turns = self._visible
        for before, turn in zip([None, *turns], turns, strict=False):
            if before is not None and before.call != turn.call:
                lines.append(SEAMS[self._resumed[turn.call - 1]])
            lines.append(str(turn))
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Transcript: {len(self)} turns>" if not self._turns else str(self)


def _content_text(content: object) -> str:
    """Join what an item's content parts say: text, or the transcript of sound."""
    parts = content if isinstance(content, (list, tuple)) else ()
    words = [part.get("text") or part.get("transcript") for part in parts if isinstance(part, Mapping)]
    return " ".join(word.strip() for word in words if isinstance(word, str) and word.strip())


_HANDLERS: Mapping[str, Callable[[Transcript, Mapping[str, Any]], None]] = {
    "conversation.item.added": Transcript._item,
    "conversation.item.created": Transcript._item,
    "conversation.item.done": Transcript._item,
    "conversation.item.deleted": Transcript._deleted,
    f"{_TRANSCRIPTION}delta": Transcript._heard_more,
    f"{_TRANSCRIPTION}completed": Transcript._heard_all,
    f"{_TRANSCRIPTION}failed": Transcript._heard_nothing,
    "response.output_audio_transcript.delta": Transcript._said_more,
    "response.output_audio_transcript.done": Transcript._said_all,
    "response.output_text.delta": Transcript._said_more,
    "response.output_text.done": Transcript._wrote_all,
    "response.done": Transcript._response_done,
}
