"""One question and its answer, from the first sound to the last."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rtc_widget.audio import AudioClip
from rtc_widget.errors import NotConnected, RtcWidgetError, ServerError, WaitTimeout, error_from_wire
from rtc_widget.events import Event

if TYPE_CHECKING:
    from rtc_widget.voice_chat import VoiceChat

UNHEARD_SECONDS = 10.0
"""A question in which no speech was found for so long after its end is not heard."""
WORDS_SECONDS = 5.0
"""How long the words of the question may come after the answer."""


@dataclass(frozen=True, slots=True)
class OneTurn:
    """What came of a question.

    Attributes
    ----------
    heard, answered : str
        The words of both sides; `heard` is empty where the server writes down nothing.
    sound : AudioClip or None
        The spoken answer.
    """

    heard: str
    answered: str
    sound: AudioClip | None


@dataclass(slots=True)
class _Progress:
    """How far an answer has come; a question with pauses may be answered more than once."""

    is_said: bool = False
    was_heard: bool = False
    is_listening: bool = False
    is_due: bool = False
    active: set[str] = field(default_factory=set)
    audible: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    completed: bool = False
    failure: str = ""

    @property
    def is_over(self) -> bool:
        return self.is_said and self.completed and not (self.is_listening or self.is_due or self.active or self.audible)

    def note(self, event: Event) -> None:
        match event.type:
            case "input_audio_buffer.speech_started":
                self.was_heard = self.is_listening = True
            case "input_audio_buffer.speech_stopped":
                self.is_listening, self.is_due = False, True
            case "response.created":
                self.was_heard, self.is_due = True, False
                self.active.add(event.response.id)
            case "response.done":
                self._note_done(event)
            case "output_audio_buffer.stopped" | "output_audio_buffer.cleared":
                self.silent.add(event.response_id)
                self.audible.discard(event.response_id)
            case "error" if not self.completed:
                self.failure = str(event.error.get("message") or "The server reports an error.")

    def _note_done(self, event: Event) -> None:
        response = event.response
        self.active.discard(response.id)
        if response.status == "failed":
            details = response.get("status_details")
            error = details.get("error") if isinstance(details, Mapping) else None
            self.failure = str((error or {}).get("message") or "The server could not answer.")
        elif response.status == "completed":
            self.completed = True
            parts = [part.get("type") for item in response.output for part in item.get("content", ())]
            if "output_audio" in parts and response.id not in self.silent:
                self.audible.add(response.id)


async def take_turn(chat: VoiceChat, question: AudioClip | str, timeout: float) -> OneTurn | None:
    """Ask and wait for the whole answer; returns None if no question was heard.

    Raises
    ------
    ServerError
        If the server could not answer.
    RtcWidgetError
        If the call ends before that; what ended it.
    WaitTimeout
        If the answer takes longer than `timeout` seconds after the question.
    """
    progress, news = _Progress(), asyncio.Event()

    def note(event: Event) -> None:
        if event.direction == "received":
            progress.note(event)
            news.set()

    def note_status(_change: object) -> None:
        news.set()

    chat.on("*", note)
    chat.observe(note_status, "status")
    recorder = chat.record()
    try:
        if isinstance(question, str):
            chat.send_text(question)
            progress.was_heard = True
        else:
            await chat.say(question)
        progress.is_said = True
        await _until_over(chat, progress, news, timeout)
        if not progress.was_heard:
            return None
        if not progress.completed:
            raise ServerError(progress.failure)
        await _words_of(chat)
        recording = await recorder.finish()
    finally:
        chat.off("*", note)
        chat.unobserve(note_status, "status")
        recorder.stop()
    heard = " ".join(turn.text for turn in chat.transcript if turn.role == "user" and turn.text)
    answered = " ".join(turn.text for turn in chat.transcript if turn.role == "assistant" and turn.text)
    began = chat.events.of("output_audio_buffer.started")
    sound = recording.assistant.between(began[-1].elapsed, recording.assistant.end) if began else None
    return OneTurn(heard, answered, sound)


async def _until_over(chat: VoiceChat, progress: _Progress, news: asyncio.Event, timeout: float) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while not progress.is_over and not (progress.failure and not progress.active):
        if chat.status in ("idle", "error"):
            raise _what_ended(chat)
        patience = timeout if progress.was_heard else min(timeout, UNHEARD_SECONDS)
        left = begun + patience - loop.time()
        if left <= 0:
            if not progress.was_heard:
                return
            raise WaitTimeout(f"No answer came within {timeout:g} s.", hint="--timeout sets how long to wait.")
        news.clear()
        try:
            async with asyncio.timeout(left):
                await news.wait()
        except TimeoutError:
            continue


def _what_ended(chat: VoiceChat) -> RtcWidgetError:
    error: Mapping[str, str] | None = chat.error or None
    if error is not None:
        return error_from_wire(error)
    return NotConnected("The call ended before the answer.", hint="Connect again to ask once more.")


async def _words_of(chat: VoiceChat) -> None:
    """Wait for the words of what was said, which may come later than the answer to it."""
    loop = asyncio.get_running_loop()
    until = loop.time() + WORDS_SECONDS
    while loop.time() < until and _is_unwritten(chat):  # noqa: ASYNC110 - the record has no event for it
        await asyncio.sleep(0.05)


def _is_unwritten(chat: VoiceChat) -> bool:
    return any(turn.role == "user" and turn.status == "in_progress" for turn in chat.transcript)
