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
from rtc_widget.errors import NotConnected, RtcWidgetError, ServerError, WaitTimeout, error_from_wire

if TYPE_CHECKING:
    from rtc_widget.audio.clip import AudioClip
    from rtc_widget.signaling.base import Signaling
    from rtc_widget.voice_chat import VoiceChat

# No `from __future__ import annotations`: typer reads the annotations, and they name what is imported here.


FAILED, MISUSED, UNHEARD = 1, 2, 3

_Question = Annotated[
    Path | None, typer.Argument(help="A sound file that is spoken into the call.", show_default=False, metavar="SOUND")
]
_Text = Annotated[str, typer.Option(help="Write this instead of speaking a file.", show_default=False)]
_Out = Annotated[Path | None, typer.Option(help="Where to write the spoken answer, as WAV.", show_default=False)]
_Transcript = Annotated[
    Path | None, typer.Option(help="Where to write what was heard and answered, as text.", show_default=False)
]
_Instructions = Annotated[str, typer.Option(help="The session's instructions.", show_default=False)]
_BaseUrl = Annotated[
    str,
    typer.Option(
        help="A server that speaks OpenAI's /v1/realtime/calls, such as http://127.0.0.1:8089/v1 (rtc-widget serve). "
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
_Timeout = Annotated[float, typer.Option(help="Seconds to wait for the answer.", min=0.1)]


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
    """Ask a voice server one question, without a browser, and print what was heard and answered.

    Exit codes: 0 all went well, 1 the call or the answer failed, 2 wrong use (no such file, no sound in it),
    3 the server heard no question.
    """
    console, complaints = Console(), Console(stderr=True)

    def fail(message: str, code: int) -> typer.Exit:
        complaints.print(f"[red]{escape(message)}[/]", highlight=False, soft_wrap=True)
        return typer.Exit(code)

    from rtc_widget.errors import InvalidAudio, RtcWidgetError

    if (question is None) == (not text.strip()):
        raise fail("Give a sound file or --text, one of the two.", MISUSED)
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
        raise fail("The server heard no question in it.", UNHEARD)
    console.print(f"[bold]heard[/]     {escape(turn.heard) or '(not written down)'}", highlight=False, soft_wrap=True)
    console.print(f"[bold]answered[/]  {escape(turn.answered)}", highlight=False, soft_wrap=True)
    if transcript is not None:
        transcript.write_text(f"user: {turn.heard}\nassistant: {turn.answered}\n", encoding="utf-8")
    if out is not None:
        if turn.sound is None:
            raise fail("The answer was not spoken, so there is no sound of it.", FAILED)
        turn.sound.to_wav(out)
        console.print(f"[bold]wrote[/]     {escape(str(out))}, {turn.sound.duration:.1f} s", highlight=False)


def _read(path: Path) -> AudioClip:
    from rtc_widget.audio.clip import AudioClip

    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    return AudioClip.from_file(path)


def _server(base_url: str, key: str) -> Signaling | None:
    if not base_url and not key:
        return None
    from rtc_widget.errors import MissingKey
    from rtc_widget.signaling.openai import DEFAULT_BASE_URL, OpenAI

    base_url = base_url or DEFAULT_BASE_URL

    def token() -> str:
        # Never OPENAI_API_KEY: it is not for other servers.
        found = os.environ.get("RTC_WIDGET_TOKEN", "").strip()
        if not found:
            raise MissingKey(f"There is no key for {base_url}.", hint="Give it by --key, or set RTC_WIDGET_TOKEN.")
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
    chat.observe(lambda change: show(change.new or "Waiting for the answer …"), "progress")
    try:
        await chat.connect(timeout=150)
        show("Waiting for the answer …")
        turn = await take_turn(chat, question, timeout)
        await chat.disconnect()
        return turn
    finally:
        chat.close()


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
    began: list[float] = []

    def note(event: Event) -> None:
        for fact in facts_of(event):
            progress.consume(fact)
            if isinstance(fact, SpeechStarted) and fact.speaker == "assistant":
                began.append(event.elapsed)
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
    sound = recording.assistant.between(began[-1], recording.assistant.end) if began else None
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
