"""Recognition that starts at a pause, before the turn has ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from rtc_widget._aiortc.audio import Samples
from rtc_widget.server.speech import INPUT_RATE
from rtc_widget.server.speech.engines import Engines
from rtc_widget.server.speech.turn_detection import ends_sentence

MIN_PART_LENGTH = 5 * INPUT_RATE
"""Shortest part. So much is recognized within the silence that ends a turn; much more would delay the response."""


@dataclass(slots=True)
class _Turn:
    """The recognition of one turn.

    Attributes
    ----------
    text : str
        The text of the first `recognized` samples, which is final.
    recognized : int
        The number of these samples.
    length : int
        The number of samples at the last pause.
    words : asyncio.Task or None
        Recognizes the text of these.
    """

    text: str = ""
    recognized: int = 0
    length: int = 0
    words: asyncio.Task[str] | None = None

    def keep_part(self) -> None:
        """Make the text at the last pause final, if it is long and ends with a sentence."""
        words = self.words
        if words is None or not words.done() or words.cancelled() or words.exception() is not None:
            return
        if self.length - self.recognized >= MIN_PART_LENGTH and ends_sentence(words.result()):
            self.text, self.recognized = words.result(), self.length


class SpeculativeRecognizer:
    """Recognizes the turn in progress at each pause, so that the text is ready if the turn ends there.

    A long turn is recognized in parts: what has been recognized up to a pause after a sentence is not recognized again.
    """

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._turn = _Turn()

    def recognize(self, samples: Samples) -> asyncio.Task[str]:
        """Start to recognize `samples`, the turn so far; cancel the recognition before it, and return the task."""
        turn = self._turn
        turn.keep_part()
        _cancel(turn.words)
        turn.length = len(samples)
        turn.words = self._start(turn, samples)
        return turn.words

    def result(self, samples: Samples) -> asyncio.Task[str]:
        """Return the task that recognizes `samples`, the turn that has ended; the next turn begins."""
        turn, self._turn = self._turn, _Turn()
        # A turn only grows, so equal lengths mean equal turns.
        if turn.words is not None and turn.length == len(samples):
            return turn.words
        turn.keep_part()
        _cancel(turn.words)
        return self._start(turn, samples)

    def drop(self) -> None:
        """Cancel the recognition in progress."""
        turn, self._turn = self._turn, _Turn()
        _cancel(turn.words)

    def _start(self, turn: _Turn, samples: Samples) -> asyncio.Task[str]:
        words = asyncio.create_task(self._recognize(turn.text, samples[turn.recognized :]))
        # At a pause, a failure is not reported: the whole turn is recognized later.
        words.add_done_callback(lambda done: done.cancelled() or done.exception())
        return words

    async def _recognize(self, before: str, samples: Samples) -> str:
        return " ".join(filter(None, [before, await self._engines.recognize(samples)]))


def _cancel(words: asyncio.Task[str] | None) -> None:
    if words is not None:
        words.cancel()
