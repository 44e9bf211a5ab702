"""`max_output_tokens`: an answer that would become longer is cut off there, in the middle of a word if need be."""

from __future__ import annotations

from typing import Literal

from rtc_widget.local.speech import Sound
from rtc_widget.local.usage import ASSISTANT_TOKENS_PER_SECOND, audio_tokens, text_tokens


class TokenLimit:
    """Counts the tokens of a response, as `usage` does, and cuts what is too much.

    Parameters
    ----------
    most : int or "inf"
        How many there may be.
    """

    def __init__(self, most: int | Literal["inf"]) -> None:
        self._left: float = float("inf") if most == "inf" else most
        self.is_reached = False

    def allowed_text(self, text: str) -> str:
        """Return as much of `text` as may still be written."""
        while text_tokens(text) > self._left:
            self.is_reached = True
            text = text.rstrip()[:-1]
        self._left -= text_tokens(text)
        return text

    def allowed_speech(self, text: str, sound: Sound) -> tuple[str, Sound]:
        """Return as much of `text`, and of the `sound` of it, as may still be said."""
        cost = text_tokens(text) + audio_tokens(sound.seconds, per_second=ASSISTANT_TOKENS_PER_SECOND)
        if cost <= self._left:
            self._left -= cost
            return text, sound
        self.is_reached = True
        share = max(0.0, self._left - 1) / cost  # one less, for the rounding
        self._left = 0
        kept = text[: int(len(text) * share)]
        return kept, Sound(sound.samples[: int(len(sound.samples) * share)], sound.rate)

    def allows_call(self, text: str) -> bool:
        """Return whether a call of a tool may still be made; half a call would be none."""
        cost = text_tokens(text)
        self.is_reached = cost > self._left
        self._left -= cost
        return not self.is_reached
