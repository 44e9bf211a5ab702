"""`rtc-widget serve`: runs the embedded server."""

# No `from __future__ import annotations`: typer evaluates the annotations.

import asyncio
import ipaddress
import logging
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.markup import escape

from rtc_widget._urls import without_secrets

if TYPE_CHECKING:
    from rtc_widget.server.responders.responder import Responder
    from rtc_widget.server.serve import ServerInfo

_Port = Annotated[int, typer.Option(help="Port to listen on; 0 selects a free port.", min=0, max=65535)]
_Token = Annotated[
    str,
    typer.Option(
        help="Token that clients send as 'Authorization: Bearer …'. The environment variable is safer: other users of "
        "the machine can read the arguments of a process. Default: a random token, printed once.",
        envvar="RTC_WIDGET_TOKEN",
        show_default=False,
    ),
]
_Host = Annotated[
    str, typer.Option(help="Address to listen on. With another address than loopback, other machines can call.")
]
_Recognizer = Annotated[
    str,
    typer.Option(
        help="Speech recognizer: moonshine, whisper, whisper:FOLDER (a model in CTranslate2's format), or "
        "module:Class (your class with 'name' and 'recognize'). Default: the best installed one.",
        show_default=False,
    ),
]
_Voice = Annotated[
    str,
    typer.Option(
        help="Voice: heart (American), heart-british, another voice of hibari that you have downloaded, or "
        "module:Class (your class with 'name' and 'speak')."
    ),
]
_ChatUrl = Annotated[
    str,
    typer.Option(
        help="Base URL of the chat server that answers, including /v1; for Ollama http://127.0.0.1:11434/v1. "
        "Default: a small tutor answers, which explains WebRTC.",
        show_default=False,
    ),
]
_ChatModel = Annotated[str, typer.Option(help="Name of the model on the chat server.", show_default=False)]
_ChatKey = Annotated[
    str,
    typer.Option(
        help="API key of the chat server, if it needs one. The environment variable is safer.",
        envvar="RTC_WIDGET_CHAT_KEY",
        show_default=False,
    ),
]
_Name = Annotated[str, typer.Option(help="Name that widgets show. Default: that of the responder.", show_default=False)]
_MaxCalls = Annotated[int, typer.Option(help="Largest number of calls at a time; further ones get status 429.", min=1)]
_MaxMinutes = Annotated[float, typer.Option(help="Longest duration of a call, in minutes.", min=0.1, max=24 * 60)]
_Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-origin",
        help="Web origin that may use the server, such as http://localhost:5173; its pages still need a key. "
        "May be given several times. Default: none.",
        show_default=False,
    ),
]
_PublicAddress = Annotated[
    str,
    typer.Option(
        help="Another IP address of this machine that calls offer too, such as the public one of a cloud machine.",
        show_default=False,
    ),
]
_UdpPorts = Annotated[
    str,
    typer.Option(
        help="UDP ports of the calls, such as 50000-50100, for a firewall: one for each call. Default: any.",
        show_default=False,
    ),
]
_Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Log the progress of calls (without audio, text or keys).")
]


def serve(
    port: _Port = 8089,
    host: _Host = "127.0.0.1",
    token: _Token = "",
    recognizer: _Recognizer = "",
    voice: _Voice = "heart",
    chat_url: _ChatUrl = "",
    chat_model: _ChatModel = "",
    chat_key: _ChatKey = "",
    name: _Name = "",
    max_calls: _MaxCalls = 16,
    max_minutes: _MaxMinutes = 60.0,
    allow_origin: _Origins = None,
    public_address: _PublicAddress = "",
    udp_ports: _UdpPorts = "",
    verbose: _Verbose = False,
) -> None:
    """Run the embedded voice server: WebRTC, speech recognition and speech synthesis without a key or a network.

    It uses the GA Realtime protocol over WebRTC and WebSocket. Give any Realtime client the printed base URL, and the
    token as API key.
    """
    from rtc_widget.server.http.app import Access
    from rtc_widget.server.http.auth import LOOPBACK_NAMES
    from rtc_widget.server.http.responder_selection import FixedResponder
    from rtc_widget.server.logs import log_from_thread
    from rtc_widget.server.responders.remote_replies import RemoteReplies
    from rtc_widget.server.serve import ServerInfo, bound_socket
    from rtc_widget.server.serve import serve as serve_on
    from rtc_widget.server.speech.selection import EngineChoice, UnknownEngine
    from rtc_widget.server.speech.subprocess_engines import EngineProcesses
    from rtc_widget.server.transport.registry import Limits

    log_from_thread(logging.INFO if verbose else logging.WARNING, "%(asctime)s %(name)s: %(message)s")
    # httpx logs whole URLs, and that of a chat server may be private.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    console = Console()
    origins = frozenset(_origin(console, given) for given in allow_origin or ())
    ports = _ports(console, udp_ports)
    _check_address(console, public_address)
    replies = RemoteReplies()
    responder, responder_name = _responder(console, chat_url, chat_model, chat_key)
    try:
        listener = bound_socket(host, port)
    except (OSError, UnicodeError) as error:
        console.print(f"[red]Cannot listen on {escape(host)}:{port}:[/] {escape(str(error))}. Try another --port.")
        raise typer.Exit(1) from None
    secret = token or secrets.token_urlsafe(24)
    if token and token != os.environ.get("RTC_WIDGET_TOKEN"):
        console.print(
            "[yellow]Other users of this machine can read --token in the list of processes; "
            "the environment variable RTC_WIDGET_TOKEN is safer.[/]"
        )
    if ":" in recognizer + voice:
        # A custom engine is usually in the current folder. At the end of the path it hides no other module.
        sys.path.append(str(Path.cwd()))
    processes = EngineProcesses(EngineChoice(recognizer, voice))

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
                    responder_for=FixedResponder(responder, replies),
                    replies=replies,
                    name=name or f"rtc_widget · {responder_name}",
                    on_progress=status.update,
                    on_ready=ready,
                    processes=processes,
                    limits=Limits(max_calls, max_minutes),
                    public_address=public_address,
                    udp_ports=ports,
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
        console.print("[red]--chat-url and --chat-model must be given together.[/]")
        raise typer.Exit(1)
    return ChatResponder(
        ChatServer(chat_url, chat_model, chat_key or None)
    ), f"{chat_model} at {without_secrets(chat_url)}"


def _origin(console: Console, given: str) -> str:
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/"):
        shown = escape(without_secrets(given))
        console.print(f"[red]--allow-origin must be a web origin such as http://localhost:5173, got {shown}.[/]")
        raise typer.Exit(1)
    return f"{parts.scheme}://{parts.netloc}"


def _ports(console: Console, given: str) -> range | None:
    if not given:
        return None
    first, _, last = given.partition("-")
    if first.isdecimal() and (last or first).isdecimal() and 0 < int(first) <= int(last or first) <= 65_535:
        return range(int(first), int(last or first) + 1)
    console.print(f"[red]--udp-ports must be two ports such as 50000-50100, got {escape(given)}.[/]")
    raise typer.Exit(1)


def _check_address(console: Console, given: str) -> None:
    try:
        if given:
            ipaddress.ip_address(given)
    except ValueError:
        console.print(f"[red]--public-address must be an IP address such as 203.0.113.7, got {escape(given)}.[/]")
        raise typer.Exit(1) from None


def _say_where(console: Console, info: "ServerInfo", responder: str, *, is_local: bool) -> None:
    console.print(f"Listening on [bold]http://{_shown_host(info.host)}:{info.port}/v1[/]")
    console.print(f"Recognizer   {escape(info.engines['recognizer'])}")
    console.print(f"Speaker      {escape(info.engines['speaker'])}")
    console.print(f"Responder    {escape(responder)}")
    if not is_local:
        console.print("[yellow]Other machines with the token can call. The token crosses the network unencrypted.[/]")


def _say_how(console: Console, info: "ServerInfo", token: str, *, is_random: bool) -> None:
    url = f"http://{_shown_host(info.host)}:{info.port}/v1"
    key = f'"{token}"' if is_random else 'os.environ["RTC_WIDGET_TOKEN"]'
    if is_random:
        console.print("Token        ", end="")
        console.out(token, highlight=False)
    console.print("\nIn a notebook:\n")
    # `out`, not `print`: the user pastes these lines, so they must not be wrapped or coloured.
    if not is_random:
        console.out("    import os", highlight=False)
    console.out("    from rtc_widget import OpenAI, VoiceChat", highlight=False)
    console.out(f'    VoiceChat(OpenAI({key}, base_url="{url}"))\n', highlight=False)
    console.print("Ctrl-C stops it.")


def _shown_host(host: str) -> str:
    """Return `host` for a URL that works on this machine."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
