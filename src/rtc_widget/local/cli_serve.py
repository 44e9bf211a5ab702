"""`rtc-widget serve`: the embedded server, run by hand."""

# No `from __future__ import annotations`: typer reads the annotations, and they name what is imported here.

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from rtc_widget.local.server import Listening


def serve(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 8089,
    token: Annotated[
        str,
        typer.Option(
            help="What clients send as 'Authorization: Bearer …'. Default: a random one, printed once.",
            envvar="RTC_WIDGET_TOKEN",
            show_default=False,
        ),
    ] = "",
    host: Annotated[
        str, typer.Option(help="Address to listen on. Anything but loopback lets other machines call.")
    ] = "127.0.0.1",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what calls do.")] = False,
) -> None:
    """Run the embedded voice server: real WebRTC, speech recognition and speech, with no key and no network.

    It speaks the GA Realtime protocol: give any Realtime client the printed base URL, and the token as API key.
    """
    from rtc_widget.local.mind import Mind
    from rtc_widget.local.refusal import Refusal
    from rtc_widget.local.server import Listening, bound_socket
    from rtc_widget.local.server import serve as serve_on
    from rtc_widget.local.tutor import Tutor

    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    console = Console()
    tutor = Tutor()
    try:
        listener = bound_socket(host, port)
    except (OSError, UnicodeError) as error:
        console.print(f"[red]Cannot listen on {escape(host)}:{port}:[/] {escape(str(error))}. Try another --port.")
        raise typer.Exit(1) from None
    secret = token or secrets.token_urlsafe(24)

    def mind_for(reply: str | None) -> Mind:
        if reply is not None:
            message = "This server was started by hand; it has no reply functions."
            raise Refusal(message, "invalid_value", param="rtc-widget-reply")
        return tutor

    with console.status("Starting …") as status:

        def ready(listening: Listening) -> None:
            status.stop()
            _say_where(console, listening, secret, is_random=not token)

        try:
            asyncio.run(serve_on(listener, token=secret, mind_for=mind_for, on_progress=status.update, on_ready=ready))
        except KeyboardInterrupt:
            pass
        except ModuleNotFoundError as error:
            status.stop()
            console.print(f"[red]{escape(str(error))}[/]")
            raise typer.Exit(1) from None
    console.print("Stopped.")


def _say_where(console: Console, listening: "Listening", token: str, *, is_random: bool) -> None:
    console.print(f"Listening on [bold]http://{listening.host}:{listening.port}/v1[/]")
    console.print(f"Hears with   {listening.engines['recognizer']}")
    console.print(f"Speaks with  {listening.engines['speaker']}")
    if is_random:
        console.print("Token        ", end="")
        console.out(token, highlight=False)
    console.print("Ctrl-C stops it.")
