"""Runs the server: a socket, the HTTP server, and the engines, which load meanwhile."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace

import uvicorn
from starlette.applications import Starlette

from rtc_widget._aiortc.connection import offer_loopback_when_alone
from rtc_widget._aiortc.server_addresses import offer_address, use_udp_ports
from rtc_widget.server.audio_formats import MAX_BYTES
from rtc_widget.server.http.app import Access, ResponderFor, create_app
from rtc_widget.server.http.connections import LimitedH11Protocol
from rtc_widget.server.responders.remote_replies import RemoteReplies
from rtc_widget.server.speech import engines as speech_engines
from rtc_widget.server.speech.engines import Engines
from rtc_widget.server.speech.subprocess_engines import EngineProcesses
from rtc_widget.server.speech.worker import set_switch_interval
from rtc_widget.server.transport.registry import Limits


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """The address and the engines of a server that is ready."""

    host: str
    port: int
    engines: dict[str, str]


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket bound to `host` and `port`; port 0 selects a free port.

    Raises
    ------
    OSError
        When the port is in use or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only on the connections of a socket whose protocol is stated. Without it, Nagle's
    # algorithm (RFC 896) delays small messages by 40 ms.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # Without this option a restarted server could not use the same port for a minute.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


async def serve(
    listener: socket.socket,
    access: Access,
    *,
    responder_for: ResponderFor,
    on_progress: Callable[[str], None],
    on_ready: Callable[[ServerInfo], None],
    processes: EngineProcesses,
    limits: Limits | None = None,
    has_network_control: bool = False,
    replies: RemoteReplies | None = None,
    name: str = "rtc_widget",
    public_address: str = "",
    udp_ports: range | None = None,
) -> None:
    """Serve on `listener` until interrupted.

    Parameters
    ----------
    listener : socket.socket
        From `bound_socket`.
    access : Access
        Who may call. The address of `listener` is added to its hosts.
    responder_for : callable
        Selects the responder of a call.
    on_progress : callable
        Called with a text for each loading step.
    on_ready : callable
        Called once, when the models are loaded and the server accepts calls.
    processes : EngineProcesses
        The speech engines, which load meanwhile.
    limits : Limits, optional
        Limits on calls.
    has_network_control : bool
        Whether a client may impair the network of a call, for lessons and tests.
    replies : RemoteReplies, optional
        Reply functions in other kernels.
    name : str
        What widgets show as the name of this server.
    public_address : str
        Another IP address of this machine, as outside of a one-to-one NAT, that calls offer as well.
    udp_ports : range, optional
        The UDP ports of calls; by default any.

    Raises
    ------
    Exception
        The error that prevented the engines from loading.
    """
    offer_loopback_when_alone()
    set_switch_interval()
    host, port = listener.getsockname()[:2]
    loop = asyncio.get_running_loop()
    if udp_ports is not None:
        use_udp_ports(loop, udp_ports)
    if public_address:
        offer_address(public_address)

    def report_progress(text: str) -> None:
        loop.call_soon_threadsafe(on_progress, text)

    engines = asyncio.ensure_future(asyncio.to_thread(speech_engines.load, report_progress, processes))
    # A wildcard address can be reached by any name, and the user asked for that.
    names = frozenset() if host in ("0.0.0.0", "::") else access.hosts | {host}  # noqa: S104 - compared, not bound
    app = create_app(
        replace(access, hosts=names),
        engines=engines,
        responder_for=responder_for,
        limits=limits,
        has_network_control=has_network_control,
        replies=replies,
        name=name,
    )
    server = uvicorn.Server(server_config(app))

    def loaded(done: asyncio.Future[Engines]) -> None:
        if done.cancelled() or done.exception() is not None:
            server.should_exit = True

    engines.add_done_callback(loaded)
    serving = asyncio.create_task(server.serve([listener]))
    await asyncio.wait({serving, engines}, return_when=asyncio.FIRST_COMPLETED)
    if engines.done() and not server.should_exit:
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has a flag, no event
            await asyncio.sleep(0.005)
        on_ready(ServerInfo(host, port, engines.result().names()))
    await serving
    if engines.done():
        engines.result()


def _is_relevant(record: logging.LogRecord) -> bool:
    # uvicorn (0.54) logs this error when an application rejects a WebSocket with a body, though ASGI allows that.
    return record.getMessage() != "ASGI callable returned without completing handshake."


def server_config(app: Starlette) -> uvicorn.Config:
    """Return the configuration of the HTTP server."""
    logging.getLogger("uvicorn.error").addFilter(_is_relevant)
    return uvicorn.Config(
        app,
        http=LimitedH11Protocol,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=2,
        # The other implementation uses a deprecated API of `websockets`.
        ws="websockets-sansio",
        # The largest audio of one event in base64, and the rest of the event.
        ws_max_size=MAX_BYTES * 4 // 3 + 65_536,
        # A client that does not answer a ping in time is gone.
        ws_ping_interval=15,
        ws_ping_timeout=15,
    )
