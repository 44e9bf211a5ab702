"""`rtc-widget serve`: the embedded server, run by hand."""

# No `from __future__ import annotations`: typer reads the annotations, and they name what is imported here.

import asyncio
import logging
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from rtc_widget.server.responders.responder import Responder
    from rtc_widget.server.serve import ServerInfo

_Port = Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)]
_Token = Annotated[
    str,
    typer.Option(
        help="What clients send as 'Authorization: Bearer …'. Default: a random one, printed once.",
        envvar="RTC_WIDGET_TOKEN",
        show_default=False,
    ),
]
_Host = Annotated[str, typer.Option(help="Address to listen on. Anything but loopback lets other machines call.")]
_Recognizer = Annotated[
    str,
    typer.Option(
        help="What hears: moonshine, whisper, whisper:FOLDER (a model of yours in CTranslate2's format), or "
        "module:Class, a class of yours with 'name' and 'recognize'. Default: the best that is installed.",
        show_default=False,
    ),
]
_Voice = Annotated[
    str,
    typer.Option(
        help="What speaks: heart (American), heart-british, another voice of hibari that you have fetched, or "
        "module:Class, a class of yours with 'name' and 'speak'."
    ),
]
_ChatUrl = Annotated[
    str,
    typer.Option(
        help="Base URL of a chat server that answers, with /v1: Ollama's is http://127.0.0.1:11434/v1. "
        "Default: a small tutor answers, who explains WebRTC.",
        show_default=False,
    ),
]
_ChatModel = Annotated[str, typer.Option(help="The chat model's name there.", show_default=False)]
_ChatKey = Annotated[
    str, typer.Option(help="Its API key, if it wants one.", envvar="RTC_WIDGET_CHAT_KEY", show_default=False)
]
_MaxCalls = Annotated[int, typer.Option(help="Calls at a time; more are refused with status 429.", min=1)]
_MaxMinutes = Annotated[float, typer.Option(help="How long a call may last.", min=0.1, max=24 * 60)]
_Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-origin",
        help="A web page that may use the server, such as http://localhost:5173; it needs a key all the same. "
        "May be given several times. Default: none.",
        show_default=False,
    ),
]
_Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log what calls do (no sound, no words, no keys).")]


def serve(
    port: _Port = 8089,
    host: _Host = "127.0.0.1",
    token: _Token = "",
    recognizer: _Recognizer = "",
    voice: _Voice = "heart",
    chat_url: _ChatUrl = "",
    chat_model: _ChatModel = "",
    chat_key: _ChatKey = "",
    max_calls: _MaxCalls = 16,
    max_minutes: _MaxMinutes = 60.0,
    allow_origin: _Origins = None,
    verbose: _Verbose = False,
) -> None:
    """Run the embedded voice server: real WebRTC, speech recognition and speech, with no key and no network.

    It speaks the GA Realtime protocol, over WebRTC and WebSocket: give any Realtime client the printed base URL, and
    the token as API key.
    """
    from rtc_widget.server.http.app import Access
    from rtc_widget.server.http.auth import LOOPBACK_NAMES
    from rtc_widget.server.http.responder_selection import FixedResponder
    from rtc_widget.server.serve import ServerInfo, bound_socket
    from rtc_widget.server.serve import serve as serve_on
    from rtc_widget.server.speech.selection import EngineChoice, UnknownEngine
    from rtc_widget.server.transport.registry import Limits

    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    # httpx logs whole URLs, and a chat server's may hold what is nobody's business.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    console = Console()
    origins = frozenset(_origin(console, given) for given in allow_origin or ())
    responder, responder_name = _responder(console, chat_url, chat_model, chat_key)
    try:
        listener = bound_socket(host, port)
    except (OSError, UnicodeError) as error:
        console.print(f"[red]Cannot listen on {escape(host)}:{port}:[/] {escape(str(error))}. Try another --port.")
        raise typer.Exit(1) from None
    secret = token or secrets.token_urlsafe(24)
    if ":" in recognizer + voice:
        # An engine of one's own mostly lies in the current folder; at the end of the path it hides nothing.
        sys.path.append(str(Path.cwd()))

    with console.status("Starting …") as status:

        def ready(info: ServerInfo) -> None:
            status.stop()
            _say_where(console, info, responder_name, is_local=host in LOOPBACK_NAMES)
            _say_how(console, info, secret, is_random=not token)

        try:
            asyncio.run(
                serve_on(
                    listener,
                    Access(secret, origins=origins),
                    responder_for=FixedResponder(responder),
                    on_progress=status.update,
                    on_ready=ready,
                    choice=EngineChoice(recognizer, voice),
                    limits=Limits(max_calls, max_minutes),
                )
            )
        except KeyboardInterrupt:
            pass
        except (ModuleNotFoundError, UnknownEngine) as error:
            status.stop()
            console.print(f"[red]{escape(str(error))}[/]")
            raise typer.Exit(1) from None
    console.print("Stopped.")


def _responder(console: Console, chat_url: str, chat_model: str, chat_key: str) -> "tuple[Responder, str]":
    from rtc_widget.server.responders.chat_completions import ChatResponder, ChatServer
    from rtc_widget.server.tutor.tutor import Tutor

    if not chat_url and not chat_model:
        return Tutor(), "the WebRTC tutor"
    if not chat_url or not chat_model:
        console.print("[red]--chat-url and --chat-model belong together.[/] Give both.")
        raise typer.Exit(1)
    return ChatResponder(ChatServer(chat_url, chat_model, chat_key or None)), f"{chat_model} at {chat_url}"


def _origin(console: Console, given: str) -> str:
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/"):
        console.print(f"[red]{escape(given)} is no origin.[/] One looks like http://localhost:5173.")
        raise typer.Exit(1)
    return f"{parts.scheme}://{parts.netloc}"


def _say_where(console: Console, info: "ServerInfo", responder: str, *, is_local: bool) -> None:
    console.print(f"Listening on [bold]http://{_shown_host(info.host)}:{info.port}/v1[/]")
    console.print(f"Hears with   {escape(info.engines['recognizer'])}")
    console.print(f"Speaks with  {escape(info.engines['speaker'])}")
    console.print(f"Answers with {escape(responder)}")
    if not is_local:
        console.print("[yellow]Other machines can call, if they have the token; it crosses the network in clear.[/]")


def _say_how(console: Console, info: "ServerInfo", token: str, *, is_random: bool) -> None:
    url = f"http://{_shown_host(info.host)}:{info.port}/v1"
    key = f'"{token}"' if is_random else 'os.environ["RTC_WIDGET_TOKEN"]'
    if is_random:
        console.print("Token        ", end="")
        console.out(token, highlight=False)
    console.print("\nIn a notebook:\n")
    # `out`, not `print`: the lines are to be pasted, so nothing may be wrapped or coloured.
    if not is_random:
        console.out("    import os", highlight=False)
    console.out("    from rtc_widget import OpenAI, VoiceChat", highlight=False)
    console.out(f'    VoiceChat(OpenAI({key}, base_url="{url}"))\n', highlight=False)
    console.print("Ctrl-C stops it.")


def _shown_host(host: str) -> str:
    """Return `host` as it stands in a URL that works on this machine."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
