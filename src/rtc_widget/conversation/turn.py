"""A turn of a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Literal

from rtc_widget._html import faint, view
from rtc_widget.types import Role

if TYPE_CHECKING:
    from rtc_widget.audio.clip import AudioClip

SPEAKERS: Mapping[Role, str] = {"user": "You", "assistant": "Assistant"}
TurnStatus = Literal["in_progress", "completed", "interrupted", "cancelled", "incomplete", "failed"]


@dataclass(frozen=True, slots=True)
class FunctionResult:
    """A function call of the model and its output.

    Attributes
    ----------
    name : str
        The function.
    arguments : str
        The arguments as JSON.
    output : str
        What the model was told.
    """

    name: str
    arguments: str
    output: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One uninterrupted contribution of one side to a conversation.

    Attributes
    ----------
    role : {"user", "assistant"}
        Who spoke or wrote.
    text : str
        The text or transcript, as far as it is known; empty until the first words were transcribed.
    item_id : str
        The server's id of the conversation item.
    status : {"in_progress", "completed", "interrupted", "cancelled", "incomplete", "failed"}
        How the turn ended. ``"interrupted"``: by speech, by cleared audio or by the end of the call. The other values
        are those of a response in the Realtime API.
    call : int
        The number of the call: 1 for the first.
    start, end : float or None
        Seconds since the call began, on the page's clock. A written turn has the time at which it was sent. The end of
        the user's speech is known only after the server has waited for ``silence_duration_ms``. None if unknown; `end`
        is None while the turn is in progress.
    played : float
        The share of a spoken response that was played: 1; less if it was interrupted; 0 if it is unspoken, or still
        waited to be spoken when the call ended.
    unspoken : bool
        Whether the response is complete, but the voice did not speak it: it may have no sounds for the language.
    response_id : str or None
        The response that the turn belongs to; None for the user's turns.
    audio : AudioClip or None
        The audio of a turn that `VoiceChat.ask` returned; see `VoiceChat.recording` for all other turns.
    """

    role: Role
    text: str
    item_id: str
    status: TurnStatus = "in_progress"
    call: int = 1
    start: float | None = None
    end: float | None = None
    played: float = 1.0
    unspoken: bool = False
    response_id: str | None = None
    audio: AudioClip | None = field(default=None, repr=False, compare=False)

    @property
    def interrupted(self) -> bool:
        """Whether the turn ended before it was complete, for any reason."""
        return self.status in ("interrupted", "cancelled", "incomplete")

    @property
    def heard(self) -> str:
        """The played part of the text; estimated by `played` if the turn was interrupted, empty if unspoken."""
        if self.played >= 1:
            return self.text
        words = self.text[: round(len(self.text) * self.played) + 1]
        return words[: words.rfind(" ") + 1].strip()

    def __str__(self) -> str:
        return f"{self.role}: {self.text}"

    def _repr_html_(self) -> str:
        return _turn_html(self)


def with_text(turn: Turn, text: str) -> Turn:
    """Return a turn with another text."""
    # Not `dataclasses.replace`, which takes four times as long: this is done for each piece of a text.
    return Turn(
        turn.role,
        text,
        turn.item_id,
        turn.status,
        turn.call,
        turn.start,
        turn.end,
        turn.played,
        turn.unspoken,
        turn.response_id,
        turn.audio,
    )


def _turn_html(turn: Turn) -> str:
    """Return a turn, its times, and its audio if it has any."""
    about = [turn.status.replace("_", " ")]
    if turn.start is not None and turn.end is not None:
        about.append(f"{turn.start:.1f} to {turn.end:.1f} s")
    if turn.status == "interrupted" and 0 < turn.played < 1:
        about.append(f"{turn.played:.0%} was played")
    audio = "" if turn.audio is None else turn.audio._repr_html_()
    return view(turn_row(turn), f"<div>{faint(' · '.join(about))}</div>", audio)


def turn_row(turn: Turn) -> str:
    """Return a turn as a line: when, who, what; the part that was not played is struck out."""
    heard, rest = turn.text[: len(turn.heard)], turn.text[len(turn.heard) :]
    unheard = f'<s class="f" title="not heard">{escape(rest)}</s>' if rest.strip() else ""
    at = "" if turn.start is None else f"{turn.start:.1f} s"
    note = turn.status if turn.interrupted else note_of(turn)
    mark = f" <small>— {note}</small>" if note else ""
    return (
        f'<div dir="auto"><span class="f at">{at}</span>'
        f"<b>{SPEAKERS[turn.role]}</b>: {escape(heard) or '…'}{unheard}{mark}</div>"
    )


def note_of(turn: Turn) -> str:
    """Return why a turn that was not interrupted was not heard; empty if it was."""
    if turn.status == "failed":
        return "failed"
    return "not spoken" if turn.unspoken else ""
