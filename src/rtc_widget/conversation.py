"""Who said what: the events of a call folded into turns, in the order of the conversation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any, Literal, overload

from rtc_widget.events import Event

if TYPE_CHECKING:
    import pandas as pd

Role = Literal["user", "assistant"]
TurnStatus = Literal["in_progress", "completed", "interrupted", "failed"]

CARRIED = "carried_"
"""Begins the ids of items that were said in an earlier call and only told to a new one (twin: `conversation.ts`)."""

SEAMS: Mapping[bool, str] = {True: "── connected again ──", False: "── new call ──"}

_SPEAKERS: Mapping[Role, str] = {"user": "You", "assistant": "Assistant"}
_CHARACTERS_A_SECOND = 15
"""Of calm speech: for servers that do not count their sound."""
_SECONDS_A_TOKEN = 0.05

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
    start, end : float or None
        When it began and ended, in seconds since the call began, on the page's clock; of what was written the moment it
        was sent. The end of a person's speech is known when the server has waited for its ``silence_duration_ms``. None
        where nothing told, and the end while it is being said.
    played : float
        How much of a spoken answer was played: 1, or less where it was interrupted.
    response_id : str or None
        The response that an answer is of.
    """

    role: Role
    text: str
    item_id: str
    status: TurnStatus = "in_progress"
    call: int = 1
    start: float | None = None
    end: float | None = None
    played: float = 1.0
    response_id: str | None = None

    @property
    def interrupted(self) -> bool:
        """Whether it was cut short."""
        return self.status == "interrupted"

    @property
    def heard(self) -> str:
        """What was really heard: of an answer that was interrupted the words that had been played, by their share."""
        if self.played >= 1:
            return self.text
        words = self.text[: round(len(self.text) * self.played) + 1]
        return words[: words.rfind(" ") + 1].strip()

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
        """Fold in one event: a raw dict, or an `Event`, which also tells the time."""
        if isinstance(event, Event):
            self._calls[-1].add(event.raw, event.elapsed)
        else:
            self._calls[-1].add(event, None)

    def begin_call(self, *, resumes: bool) -> None:
        """Note that what follows is said in another call, which goes on with the one before it or does not."""
        if self._begun:
            self.end_call()
            self._calls.append(_Call(len(self._calls) + 1, resumes=resumes))
        self._begun = True

    def end_call(self) -> None:
        """Note that the call is over: what was still being said will not be finished."""
        self._calls[-1].end()

    def of_response(self, response_id: str) -> Turn | None:
        """Return what was said in a response of the last call; None if nothing was."""
        turns = self._calls[-1].turns
        return next((turn for turn in reversed(turns) if turn.response_id == response_id), None)

    def to_markdown(self) -> str:
        """Return the conversation as Markdown, one paragraph a turn; what was cut short says what was heard of it."""
        blocks: list[str] = []
        for seam, turn in self._with_seams():
            if seam:
                blocks.append(f"*{seam}*")
            at = "" if turn.start is None else f" ({turn.start:.1f} s)"
            cut = f" *(interrupted after: {_markdown(turn.heard) or '…'})*" if turn.interrupted else ""
            failed = " *(failed)*" if turn.status == "failed" else ""
            blocks.append(f"**{_SPEAKERS[turn.role]}**{at}: {_markdown(turn.text) or '…'}{cut}{failed}")
        return "\n\n".join(blocks) + ("\n" if blocks else "")

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with a row a turn (extra ``data``).

        Raises
        ------
        ImportError
            If pandas is not installed; says how to install it.
        """
        try:
            import pandas as pd
        except ImportError:
            raise ImportError("Tables need pandas: pip install 'rtc-widget[data]'") from None
        names = ("call", "role", "text", "start", "end", "status", "interrupted", "heard", "item_id", "response_id")
        rows = [{name: getattr(turn, name) for name in names} for turn in self._turns]
        kinds = {"start": "float64", "end": "float64", "interrupted": "bool", "call": "int64"}
        table = pd.DataFrame(rows, columns=list(names)).astype(kinds)
        texts = ["text", "heard", "item_id", "response_id"]
        table[texts] = table[texts].astype("string")
        return table

    def _with_seams(self) -> list[tuple[str, Turn]]:
        """Each turn with the words that stand between it and the one before."""
        turns = self._turns
        return [
            (SEAMS[self._calls[turn.call - 1].resumes] if before and before.call != turn.call else "", turn)
            for before, turn in zip([None, *turns], turns, strict=False)
        ]

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
        return "\n".join(line for seam, turn in self._with_seams() for line in (seam, str(turn)) if line)

    def __repr__(self) -> str:
        return str(self) or "<Transcript: 0 turns>"

    def _repr_html_(self) -> str:
        rows: list[str] = []
        for seam, turn in self._with_seams():
            if seam:
                rows.append(f'<div style="color: gray; text-align: center">{escape(seam)}</div>')
            heard, rest = turn.text[: len(turn.heard)], turn.text[len(turn.heard) :]
            unheard = f'<s style="color: gray" title="not heard">{escape(rest)}</s>' if rest.strip() else ""
            at = "" if turn.start is None else f"{turn.start:.1f} s"
            mark = f" <small>— {turn.status}</small>" if turn.status in ("interrupted", "failed") else ""
            rows.append(
                f'<div><span style="display: inline-block; min-width: 4em; color: gray">{at}</span>'
                f"<b>{_SPEAKERS[turn.role]}</b>: {escape(heard) or '…'}{unheard}{mark}</div>"
            )
        return f'<div style="line-height: 1.6">{"".join(rows)}</div>' if rows else "<i>Nothing has been said yet.</i>"


class _Call:
    """The turns of one call."""

    def __init__(self, number: int, *, resumes: bool) -> None:
        self.resumes = resumes
        self._number = number
        self._order: list[str] = []
        self._turns: dict[str, Turn] = {}
        self._responses: dict[str, str] = {}
        self._now: float | None = None
        # When a person's turn began and ended, by its item; it is told before there is a turn.
        self._speech: dict[str, tuple[float | None, float | None]] = {}
        self._pressed: float | None = None
        # When a response began to be heard, and how long its sound is, by its id.
        self._voices: dict[str, float | None] = {}
        self._sounds: dict[str, float] = {}

    @property
    def turns(self) -> list[Turn]:
        return [self._turns[item_id] for item_id in self._order if item_id in self._turns]

    def add(self, event: Mapping[str, Any], now: float | None) -> None:
        self._now = now if now is not None else self._now
        kind = event.get("type")
        handler = _HANDLERS.get(kind) if isinstance(kind, str) else None
        if handler is not None:
            handler(self, event)

    def end(self) -> None:
        for turn in self.turns:
            status: TurnStatus = "interrupted" if turn.status == "in_progress" else turn.status
            end = self._now if turn.end is None else turn.end
            self._turns[turn.item_id] = replace(turn, status=status, end=end)

    def pressed(self, event: Mapping[str, Any]) -> None:
        self._pressed = self._now

    def speech_began(self, event: Mapping[str, Any]) -> None:
        if isinstance(item_id := event.get("item_id"), str):
            self._speech[item_id] = (self._now, None)

    def speech_ended(self, event: Mapping[str, Any]) -> None:
        item_id = event.get("item_id")
        if not isinstance(item_id, str):
            return
        start, end = self._speech.get(item_id, (None, None))
        self._speech[item_id] = (start, end if end is not None else self._now)
        if item_id in self._turns:
            self._turns[item_id] = replace(self._turns[item_id], end=self._speech[item_id][1])

    def committed(self, event: Mapping[str, Any]) -> None:
        item_id = event.get("item_id")
        if not isinstance(item_id, str):
            return
        # Push-to-talk: there is no speech that was detected, only a key that was pressed.
        start, end = self._speech.get(item_id, (self._pressed, None))
        self._speech[item_id] = (start, self._now if end is None else end)
        self._pressed = None

    def voice_began(self, event: Mapping[str, Any]) -> None:
        response_id = event.get("response_id")
        if isinstance(response_id, str):
            self._voices[response_id] = self._now
            for turn in self._of_response(response_id):
                self._turns[turn.item_id] = replace(turn, start=self._now, end=None)

    def voice_ended(self, event: Mapping[str, Any]) -> None:
        for turn in self._of_response(event.get("response_id")):
            self._turns[turn.item_id] = replace(turn, end=self._now)

    def _of_response(self, response_id: object) -> list[Turn]:
        return [turn for turn in self._turns.values() if turn.response_id == response_id is not None]

    def item(self, event: Mapping[str, Any]) -> None:
        item = event.get("item")
        if not isinstance(item, Mapping) or not isinstance(item.get("id"), str):
            return
        item_id = item["id"]
        self._note_response(item_id, event.get("response_id"))
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
        is_written = role == "user" and item_id not in self._speech
        if is_written and turn.end is None:
            self._turns[item_id] = replace(self._turns[item_id], start=turn.start, end=turn.start)

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
        turn, end_ms = self._turns.get(str(event.get("item_id"))), event.get("audio_end_ms")
        if turn is not None and isinstance(end_ms, (int, float)):
            self._turns[turn.item_id] = replace(turn, played=self._share(turn, end_ms / 1000))

    def silenced(self, event: Mapping[str, Any]) -> None:
        for turn in self._of_response(event.get("response_id")):
            self._set_status(turn.item_id, "interrupted")
            began = self._voices.get(str(turn.response_id))
            seconds = self._now - began if self._now is not None and began is not None else 0.0
            played = self._share(turn, seconds)
            self._turns[turn.item_id] = replace(self._turns[turn.item_id], end=self._now, played=played)

    def _share(self, turn: Turn, seconds: float) -> float:
        """How much of an answer was played in so many seconds."""
        whole = self._sounds.get(str(turn.response_id)) or len(turn.text) / _CHARACTERS_A_SECOND
        return min(1.0, max(0.0, seconds / whole)) if whole > 0 else 0.0

    def response_done(self, event: Mapping[str, Any]) -> None:
        response = event.get("response")
        if not isinstance(response, Mapping):
            return
        status = _RESPONSE_STATUS.get(str(response.get("status")))
        response_id = str(response.get("id"))
        if seconds := _sound_seconds(response):
            self._sounds[response_id] = seconds
        output = response.get("output")
        for item in output if isinstance(output, (list, tuple)) else ():
            if isinstance(item, Mapping) and status is not None:
                # A server may tell of an item here for the first time.
                self.item({"item": item, "response_id": response_id})
                self._set_status(item.get("id"), status)
        for turn in self._of_response(response_id):
            # What is spoken ends when it has been heard.
            if response_id not in self._voices and turn.end is None:
                self._turns[turn.item_id] = replace(turn, end=self._now)

    def _note_response(self, item_id: object, response_id: object) -> None:
        if not isinstance(item_id, str) or not isinstance(response_id, str):
            return
        self._responses[item_id] = response_id
        turn = self._turns.get(item_id)
        if turn is not None and turn.response_id is None:
            start = self._voices.get(response_id) or turn.start
            self._turns[item_id] = replace(turn, response_id=response_id, start=start)

    def _set_status(self, item_id: object, status: TurnStatus) -> None:
        turn = self._turns.get(item_id) if isinstance(item_id, str) else None
        # What was cut short stays so, although its response may have been complete.
        if turn is not None and turn.status != "interrupted":
            self._turns[turn.item_id] = replace(turn, status=status)

    def _append(self, role: Role, event: Mapping[str, Any]) -> None:
        item_id, piece = event.get("item_id"), event.get("delta")
        if isinstance(item_id, str) and isinstance(piece, str):
            self._note_response(item_id, event.get("response_id"))
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
        known = self._turns.get(item_id)
        if known is not None:
            return known
        response_id = self._responses.get(item_id)
        start, end = self._speech.get(item_id, (self._voices.get(response_id or "", self._now), None))
        return Turn(role, "", item_id, call=self._number, start=start, end=end, response_id=response_id)

    def _place(self, item_id: str, after: object = None) -> None:
        if item_id in self._order:
            return
        place = self._order.index(after) + 1 if isinstance(after, str) and after in self._order else len(self._order)
        self._order.insert(place, item_id)


def _sound_seconds(response: Mapping[str, Any]) -> float:
    """How long the sound of a response is, by the tokens it was counted as; 0 if nothing tells."""
    usage = response.get("usage")
    details = usage.get("output_token_details") if isinstance(usage, Mapping) else None
    tokens = details.get("audio_tokens") if isinstance(details, Mapping) else None
    return tokens * _SECONDS_A_TOKEN if isinstance(tokens, (int, float)) else 0.0


def _markdown(text: str) -> str:
    """Words that mean nothing to Markdown, on one line."""
    return re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", " ".join(text.split()))


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
    "input_audio_buffer.clear": _Call.pressed,
    "input_audio_buffer.speech_started": _Call.speech_began,
    "input_audio_buffer.speech_stopped": _Call.speech_ended,
    "input_audio_buffer.committed": _Call.committed,
    "output_audio_buffer.started": _Call.voice_began,
    "output_audio_buffer.stopped": _Call.voice_ended,
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
