"""The voice: speech that is played as the clock runs, and its words as they are played."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections import deque
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from rtc_widget._aiortc.audio import MonoAudio, samples_of
from rtc_widget._aiortc.output_track import RATE, Pcm, Playback, pcm_of
from rtc_widget.server.audio_formats import AudioFormat, encoded_audio
from rtc_widget.server.audio_outputs import Player
from rtc_widget.server.protocols.live.clock import GRID_MS, SessionClock, grid_floor
from rtc_widget.server.protocols.live.server_events import LiveEmitter
from rtc_widget.server.responders.sentences import has_words
from rtc_widget.server.speech.engines import Engines

log = logging.getLogger(__name__)

LEAD_MS = 240
"""Audio that the track gets before it is due, so that uneven arrival of input audio does not tear the speech."""

_PER_MS = RATE // 1000

SIDEBAND_FORMAT = AudioFormat("audio/pcm", 24_000)
"""The format of sound in the events of sidebands."""

MAX_WAITING_MS = 120_000
"""Speech that waits to be played, in milliseconds; 96 kB each second. What speaks waits while there is more."""

JOINED_MS = 1_500
"""After a shorter pause a client joins words to those before."""


@dataclass(slots=True)
class Utterance:
    """A piece of speech.

    Attributes
    ----------
    text : str
        Its words.
    item_id : str or None
        The item of the conversation that has the text; None for words that belong to no item.
    pcm : numpy.ndarray
        The samples: 48 kHz, 16 bit, mono; a whole number of milliseconds.
    played_ms, written_ms : int
        How much of it the clock has passed, and how much the track has got.
    """

    text: str
    item_id: str | None
    pcm: Pcm
    played_ms: int = 0
    written_ms: int = 0

    @property
    def ms(self) -> int:
        """The duration, in milliseconds."""
        return len(self.pcm) // _PER_MS

    def piece(self, start_ms: int, end_ms: int) -> Pcm:
        """Return the samples from `start_ms` to `end_ms`."""
        return self.pcm[start_ms * _PER_MS : end_ms * _PER_MS]


@dataclass(slots=True)
class _Word:
    text: str
    item_id: str | None
    at_ms: int
    """The playback begins that many milliseconds before the word."""
    is_spoken: bool
    """Whether the voice has a sound for it."""


@dataclass(slots=True)
class _Slot:
    """The speech within one step of the grid, for connections that get sound in events."""

    pcm: Pcm = field(default_factory=lambda: np.zeros(GRID_MS * _PER_MS, np.int16))
    has_speech: bool = False

    def put(self, piece: Pcm, at_ms: int) -> None:
        self.pcm[at_ms * _PER_MS : at_ms * _PER_MS + len(piece)] = piece
        self.has_speech = True


class OutputSpeech:
    """What the voice says. It speaks only while the clock runs and the user is silent.

    Parameters
    ----------
    engines, emitter, clock
        The speaker, the emitter for transcripts and sound, and the clock of the session.
    voice : str
        The name of the voice.
    player : Player or None
        Plays on the track of a WebRTC call.
    primary_format : AudioFormat
        The format of sound on a primary WebSocket.
    """

    def __init__(
        self,
        engines: Engines,
        emitter: LiveEmitter,
        clock: SessionClock,
        *,
        voice: str,
        player: Player | None,
        primary_format: AudioFormat = SIDEBAND_FORMAT,
    ) -> None:
        self._engines = engines
        self._emitter = emitter
        self._clock = clock
        self._voice = voice
        self._player = player
        self._primary_format = primary_format
        self._waiting: deque[Utterance] = deque()
        self._words: deque[_Word] = deque()
        self._spoken: dict[str, str] = {}
        self._playback: Playback | None = None
        self._passed_ms = self._written_ms = 0
        self._last_ms = 0
        self._told_ms = -JOINED_MS
        self._generation = 0
        self._in_order = asyncio.Lock()
        self._has_room = asyncio.Event()
        self._preparing = 0
        self._slot = _Slot()

    @property
    def is_speaking(self) -> bool:
        """Whether anything is being said, or waits to be said."""
        return bool(self._waiting or self._words or self._preparing)

    async def say(self, text: str, item_id: str | None = None) -> None:
        """Say `text` after what is being said; `stop` also stops what is still being synthesized."""
        generation = self._generation
        self._preparing += 1
        try:
            async with self._in_order:
                while generation == self._generation and self._waiting_ms > MAX_WAITING_MS:
                    self._has_room.clear()
                    await self._has_room.wait()
                if generation != self._generation:
                    return
                audio = await self._engines.speak(text, voice=self._voice)
                pcm = await asyncio.to_thread(pcm_of, audio)
        finally:
            self._preparing -= 1
        if generation == self._generation:
            if not len(pcm) and has_words(text):
                # Without the text, which is the user's.
                log.warning("the voice %r has no sound for a part of the text; it is sent as text only", self._voice)
            self._add(Utterance(text, item_id, pcm[: len(pcm) // _PER_MS * _PER_MS]))

    @property
    def _waiting_ms(self) -> int:
        return sum(one.ms - one.played_ms for one in self._waiting)

    def _add(self, utterance: Utterance) -> None:
        base = self._passed_ms + self._waiting_ms
        words = utterance.text.split()
        total = sum(map(len, words))
        before = 0
        for word in words:
            at_ms = base + round(utterance.ms * before / max(total, 1))
            self._words.append(_Word(word, utterance.item_id, at_ms, is_spoken=utterance.ms > 0))
            before += len(word)
        if utterance.ms:
            self._waiting.append(utterance)

    def stop(self) -> dict[str, str]:
        """Stop speaking; return the items that were cut, with the words of each that were played."""
        self._generation += 1
        items = [one.item_id for one in self._waiting] + [one.item_id for one in self._words]
        cut = {item_id for item_id in items if item_id is not None}
        self._waiting.clear()
        self._words.clear()
        if self._playback is not None:
            self._playback.clear()
            self._playback = None
        self._passed_ms = self._written_ms = 0
        self._has_room.set()
        return {item_id: self._spoken.get(item_id, "") for item_id in cut}

    def advance(self, *, is_held: bool) -> None:
        """Play as far as the clock has run; while it `is_held`, be silent."""
        now = self._clock.ms
        begun, self._last_ms = self._last_ms, now
        if not is_held:
            self._play(begun, now - begun)
            self._has_room.set()
        if grid_floor(now) > grid_floor(begun):
            self._end_slot(grid_floor(now))

    def _play(self, begun: int, ms: int) -> None:
        at = begun - grid_floor(begun)
        while ms > 0 and self._waiting:
            head = self._waiting[0]
            step = min(ms, head.ms - head.played_ms, GRID_MS - at)
            if step <= 0:
                break  # the rest belongs to the next step of the grid
            if self._emitter.wants_output:
                self._slot.put(head.piece(head.played_ms, head.played_ms + step), at)
            head.played_ms += step
            self._passed_ms += step
            at, ms = at + step, ms - step
            self._write()
            if head.played_ms >= head.ms:
                self._waiting.popleft()

    def _write(self) -> None:
        """Give the track what is due, and `LEAD_MS` more."""
        if self._player is None:
            return
        if self._playback is None:
            self._playback = Playback(lambda: None, lambda: None)
            self._player.play(self._playback)
        for utterance in self._waiting:
            room = self._passed_ms + LEAD_MS - self._written_ms
            step = min(room, utterance.ms - utterance.written_ms)
            if step > 0:
                self._playback.write(utterance.piece(utterance.written_ms, utterance.written_ms + step))
                utterance.written_ms += step
                self._written_ms += step

    @property
    def _heard_ms(self) -> int:
        """How much of the speech since the last `stop` was played."""
        if self._player is None:
            return self._passed_ms
        return min(self._passed_ms, self._playback.played_ms) if self._playback is not None else 0

    def _end_slot(self, end_ms: int) -> None:
        start_ms = end_ms - GRID_MS
        slot, self._slot = self._slot, _Slot()
        if slot.has_speech:
            sideband, primary = (_encoded_slot(slot.pcm, one) for one in (SIDEBAND_FORMAT, self._primary_format))
            self._emitter.emit_output(sideband, start_ms, end_ms, primary=primary)
        is_complete = not self._waiting
        words: list[_Word] = []
        while self._words and (self._words[0].at_ms < self._heard_ms or (is_complete and not self._has_sound_left())):
            word = self._words.popleft()
            words.append(word)
            if word.item_id is not None:
                self._spoken[word.item_id] = f"{self._spoken.get(word.item_id, '')} {word.text}".strip()
        for is_spoken, together in groupby(words, key=lambda word: word.is_spoken):
            delta = " ".join(word.text for word in together)
            if start_ms - self._told_ms < JOINED_MS:
                delta = f" {delta}"
            self._told_ms = end_ms
            # An interval without duration: the words took no time to say.
            begun = start_ms if is_spoken else end_ms
            self._emitter.emit("session.output_transcript.delta", delta=delta, start_ms=begun, end_ms=end_ms)

    def _has_sound_left(self) -> bool:
        return self._heard_ms < self._passed_ms


def _encoded_slot(pcm: Pcm, audio_format: AudioFormat) -> str:
    """Return one step of speech as base64. A resampler would need the samples of the steps before and after."""
    ratio = RATE // audio_format.rate
    # The speaker has 24 kHz, of which every second sample of 48 kHz is the original.
    reduced = pcm[::2] if ratio == 2 else pcm.reshape(-1, ratio).mean(axis=1)
    audio = MonoAudio(samples_of(reduced / 32767), audio_format.rate)
    return base64.b64encode(encoded_audio(audio, audio_format)).decode()
