"""Turn detection: when the user begins and stops speaking.

It follows the `server_vad` of the Realtime API. A turn begins after `MIN_SPEECH_MS` of speech and ends after
`silence_duration_ms` of silence.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import floor
from typing import Literal

import numpy as np

from rtc_widget._aiortc.audio import Samples, samples_of
from rtc_widget.server.speech import INPUT_RATE, VoiceDetector

MIN_SPEECH_MS = 192
"""Shorter sounds are clicks, coughs or keys, in which recognizers find words. "No" lasts about 300 ms.

This is six frames of Silero. 200 ms would need seven frames and detect an interruption 32 ms later."""

MAX_PAUSE_BEFORE_START_MS = 160
"""A longer pause within the first `MIN_SPEECH_MS` resets the count of speech."""

KEPT_SILENCE_MS = 200
"""The recognizer gets this much of the silence at the end. Less cuts soft endings, more takes time."""

MAX_TURN_MS = 30_000
"""The recognizers accept at most half a minute."""

HYSTERESIS = 0.15
"""Speech continues until the probability is this much below the threshold, so that it does not end within a word."""


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """The settings of turn detection.

    Attributes
    ----------
    threshold : float
        Probability, 0 to 1, above which a frame counts as speech.
    prefix_padding_ms : int
        Duration of the audio before the speech that belongs to the turn.
    silence_duration_ms : int
        Duration of the silence that ends the turn.
    idle_timeout_ms : int or None
        Silence after `start_idle_timer` until an `IdleTimeout`; None disables it.
    """

    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    idle_timeout_ms: int | None = None


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The user began to speak, `start_ms` after the start of the audio (including padding)."""

    start_ms: int


@dataclass(frozen=True, slots=True)
class TurnStopped:
    """The user stopped speaking. `samples` (16 kHz) is the turn, which ends at `end_ms`."""

    end_ms: int
    samples: Samples


@dataclass(frozen=True, slots=True)
class TurnPaused:
    """A silence of `KEPT_SILENCE_MS` within a turn. If the turn ends with it, `samples` is the whole turn.

    Recognition can start now, so that the text is ready when the turn ends.
    """

    samples: Samples


@dataclass(frozen=True, slots=True)
class IdleTimeout:
    """The user did not speak from `start_ms` to `end_ms`, the idle timeout."""

    start_ms: int
    end_ms: int


TurnEvent = TurnStarted | TurnPaused | TurnStopped | IdleTimeout


class TurnDetector:
    """Cuts a stream of audio into turns.

    Examples
    --------
    >>> detector = TurnDetector(silero())                                   # doctest: +SKIP
    >>> [type(e).__name__ for e in detector.receive_audio(samples)]                  # doctest: +SKIP
    ['TurnStarted', 'TurnPaused', 'TurnStopped']
    """

    def __init__(self, detector: VoiceDetector, settings: TurnSettings | None = None) -> None:
        self.settings = settings or TurnSettings()
        self._detector = detector
        self._frame_ms = detector.frame_length * 1000 / INPUT_RATE
        self._rest = samples_of([])
        self._frame_count = 0
        self._recent: deque[Samples] = deque()
        self._turn: list[Samples] = []
        self._speech_ms = 0.0
        self._silence_ms = 0.0
        self._late_ms = 0.0
        self._is_speaking = False
        self._idle_since_ms: int | None = None

    @property
    def now_ms(self) -> int:
        """Duration of the processed audio, in milliseconds."""
        return round(self._frame_count * self._frame_ms)

    @property
    def is_speaking(self) -> bool:
        """Whether a turn is in progress."""
        return self._is_speaking

    def receive_audio(self, samples: Samples) -> Iterator[TurnEvent]:
        """Process the next `samples` (16 kHz, any number) and yield their events.

        The generator is lazy: if the caller changes `settings` after an event, the audio after it uses the new ones.
        """
        length = self._detector.frame_length
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // length * length
        self._rest = samples[whole:]
        for at in range(0, whole, length):
            self._late_ms = 0.0
            event = self._receive_frame(samples[at : at + length])
            if event is not None:
                yield event

    def audio_is_late(self, ms: float) -> Iterator[TurnEvent]:
        """Take note that no audio has arrived for `ms` more, and yield the events.

        The time without audio counts as silence, so that a turn ends if the audio stays away. It is not part of the
        audio: if the audio comes before the end of the turn, it continues the turn.
        """
        before = self._quiet_ms
        self._late_ms += ms
        event = self._end_or_pause(before) if self._is_speaking else self._idle_timeout()
        if event is not None:
            yield event

    def start_idle_timer(self) -> None:
        """Start the idle timeout now, unless it is running already."""
        if self._idle_since_ms is None:
            self._idle_since_ms = self._time_ms

    def stop_idle_timer(self) -> None:
        """Stop the idle timeout, because the user or the assistant speaks."""
        self._idle_since_ms = None

    def take(self) -> Samples:
        """Return the audio of the turn in progress and end the turn."""
        turn = self._turn_samples() if self._is_speaking else samples_of([])
        self.reset()
        return turn

    def reset(self) -> None:
        """Discard the turn in progress."""
        self._turn.clear()
        self._recent.clear()
        self._speech_ms = self._silence_ms = self._late_ms = 0.0
        self._is_speaking = False

    def _receive_frame(self, frame: Samples) -> TurnEvent | None:
        self._frame_count += 1
        probability = self._detector.probability(frame)
        begun = self._is_speaking or self._speech_ms > 0
        is_speech = probability >= self.settings.threshold - (HYSTERESIS if begun else 0)
        self._silence_ms = 0.0 if is_speech else self._silence_ms + self._frame_ms
        if self._is_speaking:
            return self._continue_turn(frame)
        if is_speech:
            self._speech_ms += self._frame_ms
        elif self._silence_ms > MAX_PAUSE_BEFORE_START_MS:
            self._speech_ms = 0.0
        return self._begin_turn(frame) or self._idle_timeout()

    @property
    def _time_ms(self) -> int:
        """Duration of the processed audio, and the time since then in which none has arrived."""
        return self.now_ms + round(self._late_ms)

    @property
    def _quiet_ms(self) -> float:
        """The silence at the end of the audio, and the time since then in which none has arrived."""
        return self._silence_ms + self._late_ms

    def _idle_timeout(self) -> IdleTimeout | None:
        begun, longest = self._idle_since_ms, self.settings.idle_timeout_ms
        now = self._time_ms
        is_speech = self._speech_ms > 0 and self._quiet_ms <= MAX_PAUSE_BEFORE_START_MS
        if begun is None or longest is None or now - begun < longest or is_speech:
            return None
        self.stop_idle_timer()
        return IdleTimeout(begun, now)

    def _begin_turn(self, frame: Samples) -> TurnStarted | None:
        self._recent.append(frame)
        # Keep the audio that may become the start of the turn: the padding and the speech so far.
        longest = self.settings.prefix_padding_ms + MIN_SPEECH_MS + MAX_PAUSE_BEFORE_START_MS
        while len(self._recent) * self._frame_ms > longest:
            self._recent.popleft()
        if self._speech_ms < MIN_SPEECH_MS:
            return None
        self._is_speaking = True
        self.stop_idle_timer()
        self._turn = list(self._recent)
        self._recent.clear()
        return TurnStarted(max(0, self.now_ms - round(len(self._turn) * self._frame_ms)))

    def _continue_turn(self, frame: Samples) -> TurnPaused | TurnStopped | None:
        self._turn.append(frame)
        return self._end_or_pause(self._quiet_ms - self._frame_ms)

    def _end_or_pause(self, quiet_ms_before: float) -> TurnPaused | TurnStopped | None:
        too_long = len(self._turn) * self._frame_ms >= MAX_TURN_MS
        if self._quiet_ms >= self.settings.silence_duration_ms or too_long:
            turn = self._turn_samples()
            self.reset()
            return TurnStopped(self.now_ms, turn)
        if quiet_ms_before < KEPT_SILENCE_MS <= self._quiet_ms:
            return TurnPaused(self._turn_samples())
        return None

    def _turn_samples(self) -> Samples:
        """Return the turn with at most `KEPT_SILENCE_MS` of silence at its end."""
        surplus = max(0, floor((self._silence_ms - KEPT_SILENCE_MS) / self._frame_ms))
        return np.concatenate(self._turn[: len(self._turn) - surplus])


Eagerness = Literal["low", "medium", "high", "auto"]

MAX_SILENCE_MS: Mapping[Eagerness, int] = {"low": 8000, "medium": 4000, "auto": 4000, "high": 2000}
"""Silence that ends a turn after any words, in milliseconds, as with OpenAI."""

_AFTER_A_SENTENCE_MS: Mapping[Eagerness, int] = {"low": 1000, "medium": 600, "auto": 600, "high": 400}
_AFTER_A_PHRASE_MS: Mapping[Eagerness, int] = {"low": 2000, "medium": 1200, "auto": 1200, "high": 700}

# Words that need another word after them, and fillers with which people keep their turn.
_NEVER_LAST = r"and|or|but|because|if|while|the|a|an|of|from|than|my|your|um|uh|er|erm|hmm"
# The same, unless the recognizer found the end of a sentence: "I know who she is."
_SELDOM_LAST = (
    r"so|when|that|which|who|to|in|on|at|for|with|by|as|is|are|was|can|could|would|should|will|i|you|well|like"
)
_IS_INCOMPLETE = re.compile(
    rf"\b({_NEVER_LAST})[\s,.…-]*$|\b({_SELDOM_LAST})[\s,…-]*$|(,|…|\.\.\.|-)\s*$", re.IGNORECASE
)
_IS_SENTENCE = re.compile(r"[.!?][\"'”’)]*\s*$")


def silence_after(text: str, eagerness: Eagerness) -> int:
    """Return the silence after `text` that ends the turn, in milliseconds.

    Examples
    --------
    >>> silence_after("What is Opus?", "auto"), silence_after("I would like to", "auto")
    (600, 4000)
    """
    if _IS_INCOMPLETE.search(text):
        return MAX_SILENCE_MS[eagerness]
    return (_AFTER_A_SENTENCE_MS if ends_sentence(text) else _AFTER_A_PHRASE_MS)[eagerness]


def ends_sentence(text: str) -> bool:
    """Return whether `text` ends with the end of a sentence."""
    return _IS_SENTENCE.search(text) is not None
