"""What one side said at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from rtc_widget.types import Role

if TYPE_CHECKING:
    from rtc_widget.audio.clip import AudioClip

TurnStatus = Literal["in_progress", "completed", "interrupted", "cancelled", "incomplete", "failed"]


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
    status : {"in_progress", "completed", "interrupted", "cancelled", "incomplete", "failed"}
        Whether more may come, and how it ended: ``interrupted`` by speech, by cleared audio or by the end of the call;
        the others as the Realtime API names them for a response.
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
    audio : AudioClip or None
        How an answer that `VoiceChat.ask` has waited for sounded; see `VoiceChat.recording` for all other turns.
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
    audio: AudioClip | None = field(default=None, repr=False, compare=False)

    @property
    def interrupted(self) -> bool:
        """Whether it was cut short, by whatever."""
        return self.status in ("interrupted", "cancelled", "incomplete")

    @property
    def heard(self) -> str:
        """What was really heard: of an answer that was interrupted the words that had been played, by their share."""
        if self.played >= 1:
            return self.text
        words = self.text[: round(len(self.text) * self.played) + 1]
        return words[: words.rfind(" ") + 1].strip()

    def __str__(self) -> str:
        return f"{self.role}: {self.text}"
