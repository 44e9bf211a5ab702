"""`rtc-widget talk`: one turn with a voice server, from the shell."""

# No `from __future__ import annotations`: typer reads the annotations, and they name what is imported here.

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from rtc_widget.audio import AudioClip
    from rtc_widget.headless.one_turn import OneTurn
    from rtc_widget.signaling.base import Signaling

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


def _read(path: Path) -> "AudioClip":
    from rtc_widget.audio import AudioClip

    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    return AudioClip.from_file(path)


def _server(base_url: str, key: str) -> "Signaling | None":
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
    question: "AudioClip | str",
    server: "Signaling | None",
    instructions: str,
    timeout: float,
    show: Callable[[str], None],
) -> "OneTurn | None":
    from rtc_widget.headless.one_turn import take_turn
    from rtc_widget.voice_chat import VoiceChat

    session: dict[str, Any] = {"instructions": instructions} if instructions else {}
    chat = VoiceChat(server, page="headless", **session)
    chat.observe(lambda change: show(change.new or "Waiting for the answer …"), "activity")
    try:
        await chat.connect(timeout=150)
        show("Waiting for the answer …")
        turn = await take_turn(chat, question, timeout)
        await chat.disconnect()
        return turn
    finally:
        chat.close()
