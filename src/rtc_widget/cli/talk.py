"""`rtc-widget talk`: one turn with a voice server, from the shell."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.markup import escape

from rtc_widget._urls import without_secrets
from rtc_widget.audio.clip import AudioClip
from rtc_widget.conversation.event_reader import facts_of
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import (
    ErrorReported,
    Fact,
    ResponseEnded,
    ResponseStarted,
    SpeechEnded,
    SpeechStarted,
)
from rtc_widget.errors import (
    InvalidAudio,
    MissingKey,
    NotConnected,
    RtcWidgetError,
    ServerError,
    WaitTimeout,
    error_from_wire,
)

if TYPE_CHECKING:
    from rtc_widget.signaling.base import Signaling
    from rtc_widget.voice_chat import VoiceChat

FAILED, MISUSED, NO_QUESTION = 1, 2, 3

_Question = Annotated[
    Path | None, typer.Argument(help="The audio file to play into the call.", show_default=False, metavar="AUDIO")
]
_Text = Annotated[str, typer.Option(help="Send this text instead of an audio file.", show_default=False)]
_Out = Annotated[Path | None, typer.Option(help="Write the spoken response to this WAV file.", show_default=False)]
_Transcript = Annotated[
    Path | None, typer.Option(help="Write the question and the response to this text file.", show_default=False)
]
_Instructions = Annotated[str, typer.Option(help="The session's instructions.", show_default=False)]
_BaseUrl = Annotated[
    str,
    typer.Option(
        help="A server with OpenAI's /v1/realtime/calls, such as http://127.0.0.1:8089/v1 (rtc-widget serve). "
        "Default: OpenAI if there is a key, else the embedded server.",
        show_default=False,
    ),
]
_Key = Annotated[
    str,
    typer.Option(
        help="The server's key. Default: OPENAI_API_KEY for OpenAI, RTC_WIDGET_TOKEN for any other server.",
        show_default=False,
    ),
]
_Timeout = Annotated[float, typer.Option(help="Seconds to wait for the response.", min=0.1)]


def talk(
    question: _Question = None,
    text: _Text = "",
    out: _Out = None,
    transcript: _Transcript = None,
    instructions: _Instructions = "",
    base_url: _BaseUrl = "",
    key: _Key = "",
    timeout: _Timeout = 60.0,
) -> None:
    """Ask a voice server one question without a browser; print the question as heard and the response.

    Exit codes: 0 success, 1 the call or the response failed, 2 wrong arguments (such as a missing file or one without
    audio), 3 the server heard no question.
    """
    console, error_console = Console(), Console(stderr=True)

    def fail(message: str, code: int) -> typer.Exit:
        error_console.print(f"[red]{escape(message)}[/]", highlight=False, soft_wrap=True)
        return typer.Exit(code)

    if (question is None) == (not text.strip()):
        raise fail("Give an audio file or --text: one of the two.", MISUSED)
    for path in (out, transcript):
        if path is not None and not path.absolute().parent.is_dir():
            raise fail(f"There is no folder {path.absolute().parent}.", MISUSED)
    try:
        clip = None if question is None else _read(question)
    except (OSError, InvalidAudio) as error:
        raise fail(str(error), MISUSED) from None
    try:
        with console.status("Connecting …") as status:
            turn = asyncio.run(_talk(clip or text, _server(base_url, key), instructions, timeout, status.update))
    except (RtcWidgetError, ValueError) as error:
        raise fail(str(error), FAILED) from None
    except KeyboardInterrupt:
        raise fail("Hung up.", FAILED) from None
    if turn is None:
        raise fail("The server heard no question in the audio.", NO_QUESTION)
    console.print(f"[bold]heard[/]     {escape(turn.heard) or '(no transcript)'}", highlight=False, soft_wrap=True)
    console.print(f"[bold]response[/]  {escape(turn.response)}", highlight=False, soft_wrap=True)
    if transcript is not None:
        transcript.write_text(f"user: {turn.heard}\nassistant: {turn.response}\n", encoding="utf-8")
    if out is not None:
        if turn.audio is None:
            raise fail("The response has no audio, so --out was not written.", FAILED)
        turn.audio.to_wav(out)
        console.print(f"[bold]wrote[/]     {escape(str(out))}, {turn.audio.duration:.1f} s", highlight=False)


def _read(path: Path) -> AudioClip:
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    return AudioClip.from_file(path)


def _server(base_url: str, key: str) -> Signaling | None:
    if not base_url and not key:
        return None
    from rtc_widget.signaling.openai import DEFAULT_BASE_URL, OpenAI

    base_url = base_url or DEFAULT_BASE_URL

    def token() -> str:
        # Never OPENAI_API_KEY: other servers must not receive it.
        found = os.environ.get("RTC_WIDGET_TOKEN", "").strip()
        if not found:
            shown = without_secrets(base_url)
            raise MissingKey(f"No key for {shown} was found.", hint="Set RTC_WIDGET_TOKEN, or pass --key.")
        return found

    host = urlsplit(base_url).hostname or ""
    is_openai = host == "openai.com" or host.endswith(".openai.com")
    return OpenAI(key or (None if is_openai else token), base_url=base_url)


async def _talk(
    question: AudioClip | str,
    server: Signaling | None,
    instructions: str,
    timeout: float,
    show: Callable[[str], None],
) -> OneTurn | None:
    from rtc_widget.voice_chat import VoiceChat

    session: dict[str, Any] = {"instructions": instructions} if instructions else {}
    chat = VoiceChat(server, page="headless", **session)
    chat.observe(lambda change: show(change.new or "Waiting for the response …"), "progress")
    try:
        await chat.connect(timeout=150)
        show("Waiting for the response …")
        turn = await take_turn(chat, question, timeout)
        await chat.disconnect()
        return turn
    finally:
        chat.close()


QUESTION_SECONDS = 10.0
"""How long after the end of the question its speech may be detected."""
TRANSCRIPT_SECONDS = 5.0
"""How long the transcript of the question may take after the response."""


@dataclass(frozen=True, slots=True)
class OneTurn:
    """A question and its response.

    Attributes
    ----------
    heard, response : str
        The text of both sides; `heard` is empty if the server sends no transcript.
    audio : AudioClip or None
        The audio of the response.
    """

    heard: str
    response: str
    audio: AudioClip | None


@dataclass(slots=True)
class _Progress:
    """The progress of a turn; a question with pauses may get more than one response."""

    is_sent: bool = False
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
        return self.is_sent and self.completed and not (self.is_listening or self.is_due or self.active or self.audible)

    def consume(self, fact: Fact) -> None:
        match fact:
            case SpeechStarted(speaker="user"):
                self.was_heard = self.is_listening = True
            case SpeechEnded(speaker="user"):
                self.is_listening, self.is_due = False, True
            case ResponseStarted():
                self.was_heard, self.is_due = True, False
                self.active.add(fact.response_id)
            case ResponseEnded():
                self._response_ended(fact)
            case SpeechEnded(speaker="assistant"):
                self.silent.add(fact.source)
                self.audible.discard(fact.source)
            case ErrorReported() if not self.completed:
                self.failure = fact.message or "The server reports an error."

    def _response_ended(self, ended: ResponseEnded) -> None:
        self.active.discard(ended.response_id)
        if ended.status == "failed":
            self.failure = ended.reason or "The server could not respond."
        elif ended.status == "completed":
            self.completed = True
            if ended.has_audio and ended.response_id not in self.silent:
                self.audible.add(ended.response_id)


async def take_turn(chat: VoiceChat, question: AudioClip | str, timeout: float) -> OneTurn | None:
    """Ask and wait for the complete response; return None if no question was heard.

    Raises
    ------
    ServerError
        If the server could not respond.
    RtcWidgetError
        If the call ends before that, the error that ended it.
    WaitTimeout
        If the response takes longer than `timeout` seconds after the question.
    """
    progress, changed = _Progress(), asyncio.Event()
    began: list[float] = []

    def on_event(event: Event) -> None:
        for fact in facts_of(event):
            progress.consume(fact)
            if isinstance(fact, SpeechStarted) and fact.speaker == "assistant":
                began.append(event.elapsed)
        changed.set()

    def on_status(_change: object) -> None:
        changed.set()

    chat.on("*", on_event)
    chat.observe(on_status, "status")
    recorder = chat.record()
    try:
        if isinstance(question, str):
            chat.send_text(question)
            progress.was_heard = True
        else:
            await chat.say(question)
        progress.is_sent = True
        await _until_over(chat, progress, changed, timeout)
        if not progress.was_heard:
            return None
        if not progress.completed:
            raise ServerError(progress.failure)
        await _wait_for_transcript(chat)
        recording = await recorder.finish()
    finally:
        chat.off("*", on_event)
        chat.unobserve(on_status, "status")
        recorder.stop()
    heard = " ".join(turn.text for turn in chat.transcript if turn.role == "user" and turn.text)
    response = " ".join(turn.text for turn in chat.transcript if turn.role == "assistant" and turn.text)
    audio = recording.assistant.between(began[-1], recording.assistant.end) if began else None
    return OneTurn(heard, response, audio)


async def _until_over(chat: VoiceChat, progress: _Progress, changed: asyncio.Event, timeout: float) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while not progress.is_over and not (progress.failure and not progress.active):
        if chat.status in ("idle", "error"):
            raise _end_error(chat)
        limit = timeout if progress.was_heard else min(timeout, QUESTION_SECONDS)
        left = begun + limit - loop.time()
        if left <= 0:
            if not progress.was_heard:
                return
            raise WaitTimeout(f"No response came within {timeout:g} s.", hint="Set a longer --timeout.")
        changed.clear()
        try:
            async with asyncio.timeout(left):
                await changed.wait()
        except TimeoutError:
            continue


def _end_error(chat: VoiceChat) -> RtcWidgetError:
    error: Mapping[str, str] | None = chat.error or None
    if error is not None:
        return error_from_wire(error)
    return NotConnected("The call ended before the response.", hint="Connect again and repeat the question.")


async def _wait_for_transcript(chat: VoiceChat) -> None:
    """Wait for the transcript of the question, which may come after the response."""
    loop = asyncio.get_running_loop()
    until = loop.time() + TRANSCRIPT_SECONDS
    while loop.time() < until and _lacks_transcript(chat):  # noqa: ASYNC110 - the record has no event for it
        await asyncio.sleep(0.05)


def _lacks_transcript(chat: VoiceChat) -> bool:
    return any(turn.role == "user" and turn.status == "in_progress" for turn in chat.transcript)
