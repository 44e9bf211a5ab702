"""Input audio: it is cut into turns, turns become items, and items get their transcripts."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from rtc_widget._aiortc.audio import Samples, samples_of
from rtc_widget.server.conversation import Conversation, MessageItem, Part
from rtc_widget.server.errors import ApiError
from rtc_widget.server.messages import new_id
from rtc_widget.server.protocols.realtime.items import item_to_wire
from rtc_widget.server.protocols.realtime.server_events import Emitter
from rtc_widget.server.protocols.realtime.session_config import AudioInput, SemanticVad, ServerVad
from rtc_widget.server.speech import INPUT_RATE, VoiceDetector
from rtc_widget.server.speech.engines import Engines
from rtc_widget.server.speech.speculative_recognizer import SpeculativeRecognizer
from rtc_widget.server.speech.turn_detection import (
    IdleTimeout,
    TurnDetector,
    TurnEvent,
    TurnPaused,
    TurnStarted,
    TurnStopped,
    silence_after,
)
from rtc_widget.server.tasks import Tasks, kind_and_place

log = logging.getLogger(__name__)

MIN_COMMIT_MS = 100

MAX_PENDING = 16
"""Limit on turns that wait for their transcripts. Each keeps up to two minutes of audio."""

TRANSCRIPTION = "conversation.item.input_audio_transcription"


@dataclass(frozen=True, slots=True)
class InputAudioCallbacks:
    """The callbacks of `InputAudio`.

    Attributes
    ----------
    speech_started : callable
        Called when the user begins to speak.
    turn_may_end : callable
        Called with the words so far at a pause, which may be the end of the turn.
    turn_recognized : callable
        Called with the item id when a detected turn has ended and its transcript is known.
    is_quiet : callable
        Returns whether no response is in progress and all output audio has been played.
    """

    speech_started: Callable[[], None]
    turn_may_end: Callable[[str], None]
    turn_recognized: Callable[[str], None]
    is_quiet: Callable[[], bool]


class InputAudio:
    """The input audio of a session.

    Parameters
    ----------
    conversation, emitter, engines
        The conversation for new items, the emitter for events, and the recognizer.
    settings : AudioInput
        The input settings of the session; `set` changes them.
    callbacks : InputAudioCallbacks
        The callbacks.
    """

    def __init__(
        self,
        conversation: Conversation,
        emitter: Emitter,
        engines: Engines,
        settings: AudioInput,
        callbacks: InputAudioCallbacks,
    ) -> None:
        self._conversation = conversation
        self._emit = emitter.emit
        self._engines = engines
        self._settings = settings
        self._callbacks = callbacks
        self._speculation = SpeculativeRecognizer(engines)
        self._buffer = InputBuffer()
        self._turns: TurnDetector | None = None
        self._item_id = ""
        self._tasks = Tasks("the input audio")
        self._recognitions: dict[str, asyncio.Task[Any]] = {}

    @property
    def is_speaking(self) -> bool:
        """Whether the user is speaking."""
        return self._turns is not None and self._turns.is_speaking

    def listen(self, detector: VoiceDetector) -> None:
        """Start turn detection with `detector`."""
        self._turns = TurnDetector(detector)
        self.set(self._settings)

    def set(self, settings: AudioInput) -> None:
        """Change the settings."""
        detection = settings.turn_detection
        if (detection is None) != (self._settings.turn_detection is None):
            # A turn must not begin with turn detection and end with push-to-talk, or the other way round.
            was_speaking = self.is_speaking
            self._reset()
            if was_speaking:
                self._emit("input_audio_buffer.cleared")
        self._settings = settings
        if self._turns is not None and detection is not None:
            self._turns.settings = detection.turns()

    def receive_audio(self, samples: Samples) -> None:
        """Process the next `samples` (16 kHz) of the user."""
        if self._settings.turn_detection is None:
            self._buffer.append(samples)
            return
        if self._turns is not None:
            self._set_idle_timer(self._turns)
            self._follow(self._turns.receive_audio(samples))

    def audio_is_late(self, seconds: float) -> None:
        """Take note that no audio has arrived for `seconds` more."""
        if self._turns is not None and self._settings.turn_detection is not None:
            self._set_idle_timer(self._turns)
            self._follow(self._turns.audio_is_late(seconds * 1000))

    def _set_idle_timer(self, turns: TurnDetector) -> None:
        if self._callbacks.is_quiet():
            turns.start_idle_timer()
        else:
            turns.stop_idle_timer()

    def _follow(self, events: Iterator[TurnEvent]) -> None:
        for event in events:
            match event:
                case TurnStarted():
                    self._speech_started(event)
                case TurnPaused(turn):
                    self._speech_paused(turn)
                case TurnStopped(end_ms, turn):
                    self._emit("input_audio_buffer.speech_stopped", audio_end_ms=end_ms, item_id=self._item_id)
                    item_id = self._add_item(self._item_id, turn)
                    self._recognize(item_id, self._take_turn(item_id, self._speculation.result(turn)))
                case IdleTimeout():
                    self._idle_timed_out(event)

    def commit(self) -> None:
        """Create an item from the input audio.

        Raises
        ------
        ApiError
            When the audio is shorter than `MIN_COMMIT_MS`.
        """
        by_hand = self._turns is None or self._settings.turn_detection is None
        # Reuse the item id already sent in `speech_started`.
        item_id = self._item_id if self.is_speaking else new_id("item")
        samples = self._buffer.take() if self._turns is None or by_hand else self._turns.take()
        self._speculation.drop()  # it was of the turn that ends here
        ms = len(samples) * 1000 / INPUT_RATE
        if ms < MIN_COMMIT_MS:
            raise ApiError(
                f"Error committing input audio buffer: buffer too small. Expected at least {MIN_COMMIT_MS}ms of "
                f"audio, but buffer only has {ms:.2f}ms of audio.",
                "input_audio_buffer_commit_empty",
            )
        self._recognize(
            item_id, self._transcribe(self._add_item(item_id, samples), partial(self._engines.recognize, samples))
        )

    def clear(self) -> None:
        """Discard input audio that was not committed."""
        self._reset()
        self._emit("input_audio_buffer.cleared")

    def require_capacity(self) -> None:
        """Raise `ApiError` if `MAX_PENDING` turns wait for their transcripts."""
        if len(self._tasks) >= MAX_PENDING:
            message = f"At most {MAX_PENDING} turns can wait for their transcripts. Send audio more slowly."
            raise ApiError(message, "rate_limit_exceeded")

    def transcribe(self, item: MessageItem) -> None:
        """Transcribe the audio of an item from the client, if the client sent no transcript."""
        for part in item.parts:
            if part.samples is not None and part.text is None:
                self._recognize(item.id, self._transcribe(item.id, partial(self._engines.recognize, part.samples)))

    def drop(self, item_id: str) -> None:
        """Stop the recognition of an item that was deleted; it gets no transcript and no response."""
        if (recognition := self._recognitions.pop(item_id, None)) is not None:
            recognition.cancel()

    def _recognize(self, item_id: str, work: Coroutine[Any, Any, Any]) -> None:
        self._recognitions[item_id] = task = self._tasks.run(work)
        task.add_done_callback(lambda _: self._recognitions.pop(item_id, None))

    async def until_recognized(self) -> None:
        """Wait until the transcripts of all turns are known."""
        await self._tasks.wait()

    async def end(self) -> None:
        """Stop all tasks."""
        self._speculation.drop()
        await self._tasks.end()

    def _reset(self) -> None:
        self._buffer.clear()
        self._speculation.drop()
        if self._turns is not None:
            self._turns.reset()

    def _speech_started(self, event: TurnStarted) -> None:
        self._item_id = new_id("item")
        self._emit("input_audio_buffer.speech_started", audio_start_ms=event.start_ms, item_id=self._item_id)
        self._callbacks.speech_started()

    def _speech_paused(self, samples: Samples) -> None:
        words = self._speculation.recognize(samples)
        detection = self._settings.turn_detection
        if isinstance(detection, SemanticVad) and self._turns is not None:
            # The words before an earlier pause must not affect this pause.
            self._turns.settings = detection.turns()
        words.add_done_callback(partial(self._pause_recognized, detection, self._item_id))

    def _pause_recognized(
        self, detection: ServerVad | SemanticVad | None, item_id: str, words: asyncio.Task[str]
    ) -> None:
        if item_id != self._item_id:
            return  # the turn has ended, and another one has begun
        if words.cancelled() or words.exception() or self._settings.turn_detection != detection:
            return
        if isinstance(detection, SemanticVad) and self._turns is not None:
            silence = silence_after(words.result(), detection.eagerness)
            self._turns.settings = replace(detection.turns(), silence_duration_ms=silence)
        if self.is_speaking:
            self._callbacks.turn_may_end(words.result())

    def _idle_timed_out(self, event: IdleTimeout) -> None:
        item_id = new_id("item")
        self._emit(
            "input_audio_buffer.timeout_triggered",
            audio_start_ms=event.start_ms,
            audio_end_ms=event.end_ms,
            item_id=item_id,
        )
        self._add_item(item_id, None)
        self._callbacks.turn_recognized(item_id)

    def _add_item(self, item_id: str, samples: Samples | None) -> str:
        previous = self._conversation.last_id
        self._emit("input_audio_buffer.committed", previous_item_id=previous, item_id=item_id)
        seconds = 0.0 if samples is None else len(samples) / INPUT_RATE
        item = MessageItem(item_id, "user", (Part("input_audio", None, seconds, samples),))
        self._conversation.add(item)
        self._emit("conversation.item.added", previous_item_id=previous, item=item_to_wire(item))
        self._emit("conversation.item.done", previous_item_id=previous, item=item_to_wire(item))
        if self._turns is not None and isinstance(self._settings.turn_detection, SemanticVad):
            self._turns.settings = self._settings.turn_detection.turns()
        return item_id

    async def _take_turn(self, item_id: str, words: Awaitable[str]) -> None:
        if await self._transcribe(item_id, lambda: words):
            self._callbacks.turn_recognized(item_id)

    async def _transcribe(self, item_id: str, words: Callable[[], Awaitable[str]]) -> bool:
        """Wait for the transcript of an item and send it; return whether the recognition succeeded."""
        place = {"item_id": item_id, "content_index": 0}
        sends_transcript = self._settings.transcription is not None
        try:
            text = await words()
        except Exception as error:  # noqa: BLE001 - an engine may raise anything
            log.warning("recognition failed: %s", kind_and_place(error))
            if sends_transcript:
                wire = {"type": "server_error", "code": "recognition_failed", "message": str(error), "param": None}
                self._emit(f"{TRANSCRIPTION}.failed", **place, error=wire)
            return False
        item = self._conversation.find(item_id)
        seconds = 0.0
        if isinstance(item, MessageItem):
            seconds = sum(part.seconds for part in item.parts)
            parts = tuple(replace(part, text=text) if part.type == "input_audio" else part for part in item.parts)
            self._conversation.change(replace(item, parts=parts))
        if sends_transcript:
            if text:
                self._emit(f"{TRANSCRIPTION}.delta", **place, delta=text)
            usage = {"type": "duration", "seconds": round(seconds, 3)}
            self._emit(f"{TRANSCRIPTION}.completed", **place, transcript=text, usage=usage)
        return True


MAX_BUFFER_SECONDS = 120.0
"""Longest buffered audio. The buffer discards the oldest audio beyond it, so a client cannot fill the memory."""


class InputBuffer:
    """The input audio buffer for push-to-talk."""

    def __init__(self) -> None:
        self._pieces: deque[Samples] = deque()
        self._length = 0

    def append(self, samples: Samples) -> None:
        """Add audio (16 kHz)."""
        self._pieces.append(samples)
        self._length += len(samples)
        while self._length - len(self._pieces[0]) >= MAX_BUFFER_SECONDS * INPUT_RATE:
            self._length -= len(self._pieces.popleft())

    def take(self) -> Samples:
        """Return all audio and clear the buffer."""
        taken = samples_of(np.concatenate(self._pieces)) if self._pieces else samples_of([])
        self.clear()
        return taken

    def clear(self) -> None:
        """Discard all audio."""
        self._pieces.clear()
        self._length = 0
