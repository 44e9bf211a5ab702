"""Input audio: stretches of speech, their words on the grid of the clock, and what the user said."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from rtc_widget._aiortc.audio import Samples
from rtc_widget.server.errors import ApiError
from rtc_widget.server.protocols.live.clock import GRID_MS, grid_floor
from rtc_widget.server.protocols.live.server_events import LiveEmitter
from rtc_widget.server.speech import INPUT_RATE, VoiceDetector
from rtc_widget.server.speech.engines import Engines
from rtc_widget.server.speech.speculative_recognizer import SpeculativeRecognizer
from rtc_widget.server.speech.turn_detection import (
    KEPT_SILENCE_MS,
    TurnDetector,
    TurnEvent,
    TurnPaused,
    TurnSettings,
    TurnStarted,
    TurnStopped,
)
from rtc_widget.server.tasks import Tasks, kind_and_place

log = logging.getLogger(__name__)

MAX_PENDING_STRETCHES = 16
"""Limit on stretches of speech that wait for their words."""

SAME_TURN_MS = 1_500
"""After a shorter pause a client joins what is said to the words before; they must not run together."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """Words in one step of the grid, with the blank before them."""

    text: str
    start_ms: int


def fragments(text: str, start_ms: int, end_ms: int, *, is_joined: bool = False) -> Iterator[Fragment]:
    """Yield the words of `text`, spread evenly from `start_ms` to `end_ms`, one fragment for each step with words.

    The recognizer does not stream and gives no times, so the times are estimates.

    Examples
    --------
    >>> [(one.text, one.start_ms) for one in fragments("What is ICE?", 400, 800)]
    [('What', 400), (' is ICE?', 600)]
    """
    words = text.split()
    length = max(end_ms - start_ms, 1)
    waiting, at = "", 0
    for number, word in enumerate(words):
        step = grid_floor(start_ms + (number + 0.5) / len(words) * length)
        if waiting and step != at:
            yield Fragment(waiting, at)
            waiting = ""
        at = step
        waiting += f" {word}" if number or is_joined else word
    if waiting:
        yield Fragment(waiting, at)


class InputSpeech:
    """The speech of the user in a session.

    Parameters
    ----------
    engines, emitter
        The recognizer, and the emitter for transcripts.
    on_started : callable
        Called when the user begins to speak.
    on_words : callable
        Called with the words of a stretch of speech when it has ended and its transcript has been sent.
    """

    def __init__(
        self,
        engines: Engines,
        emitter: LiveEmitter,
        *,
        on_started: Callable[[], None],
        on_words: Callable[[str], None],
    ) -> None:
        self._engines = engines
        self._emitter = emitter
        self._on_started = on_started
        self._on_words = on_words
        self._turns: TurnDetector | None = None
        self._speculation = SpeculativeRecognizer(engines)
        self._in_order = asyncio.Lock()
        self._tasks = Tasks("the input speech")
        self._start_ms = 0
        self._told_ms = -SAME_TURN_MS

    @property
    def is_speaking(self) -> bool:
        """Whether the user is speaking."""
        return self._turns is not None and self._turns.is_speaking

    @property
    def is_recognizing(self) -> bool:
        """Whether speech waits for its words."""
        return len(self._tasks) > 0

    def listen(self, detector: VoiceDetector) -> None:
        """Start to detect speech with `detector`."""
        self._turns = TurnDetector(detector)

    def set_threshold(self, threshold: float) -> None:
        """Change the probability above which a frame counts as speech."""
        if self._turns is not None:
            self._turns.settings = TurnSettings(threshold=threshold)

    def require_capacity(self) -> None:
        """Raise `ApiError` if too much speech waits for its words."""
        if len(self._tasks) >= MAX_PENDING_STRETCHES:
            message = f"At most {MAX_PENDING_STRETCHES} stretches of speech can wait for their transcripts."
            raise ApiError(f"{message} Send audio more slowly.", "rate_limit_exceeded", param="audio")

    def receive(self, samples: Samples) -> None:
        """Process the next `samples` (16 kHz)."""
        for event in self._turns.receive_audio(samples) if self._turns is not None else ():
            self._follow(event)

    async def end(self) -> None:
        """Stop all tasks."""
        self._speculation.drop()
        await self._tasks.end()

    def _follow(self, event: TurnEvent) -> None:
        match event:
            case TurnStarted(start_ms):
                self._start_ms = start_ms
                self._on_started()
            case TurnPaused(samples):
                self._speculation.recognize(samples)
            case TurnStopped(_, samples):
                words = self._speculation.result(samples)
                self._tasks.run(self._recognize(words, len(samples), self._start_ms))

    async def _recognize(self, words: Awaitable[str], length: int, padded_ms: int) -> None:
        text = await self._text(words)
        if not text.strip():
            return
        end_ms = padded_ms + length * 1000 // INPUT_RATE - KEPT_SILENCE_MS
        # The stretch begins with the padding, which is not speech.
        start_ms = min(padded_ms + TurnSettings().prefix_padding_ms, max(padded_ms, end_ms - GRID_MS))
        is_joined = start_ms - self._told_ms < SAME_TURN_MS
        for fragment in fragments(text, start_ms, end_ms, is_joined=is_joined):
            self._told_ms = fragment.start_ms + GRID_MS
            self._emitter.emit(
                "session.input_transcript.delta",
                delta=fragment.text,
                start_ms=fragment.start_ms,
                end_ms=self._told_ms,
            )
        self._on_words(text)

    async def _text(self, words: Awaitable[str]) -> str:
        try:
            async with self._in_order:
                return await words
        except Exception as error:  # noqa: BLE001 - an engine may raise anything
            log.warning("recognition failed: %s", kind_and_place(error))
            message = "The speech of the user could not be recognized."
            wire = {"type": "server_error", "code": "recognition_failed", "message": message, "param": None}
            self._emitter.emit("error", error={**wire, "client_event_id": None})
            return ""
