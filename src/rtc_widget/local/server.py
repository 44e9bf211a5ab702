"""The server as a whole: a socket, an HTTP server, engines that load meanwhile."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass

import uvicorn

from rtc_widget.local.app import MindFor, create_app
from rtc_widget.local.guard import LOOPBACK_NAMES
from rtc_widget.local.host_addresses import offer_loopback_when_alone
from rtc_widget.local.speech import engines as speech_engines
from rtc_widget.local.speech.engines import Engines


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a server that is ready listens, and with what."""

    host: str
    port: int
    engines: dict[str, str]


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket bound to `host` and `port`; port 0 takes a free one.

    Raises
    ------
    OSError
        When the port is taken or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    # Without it a server could not be started again on its port for a minute.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


async def serve(
    listener: socket.socket,
    *,
    token: str,
    mind_for: MindFor,
    on_progress: Callable[[str], None],
    on_ready: Callable[[Listening], None],
) -> None:
    """Serve on `listener` until interrupted.

    Parameters
    ----------
    listener : socket.socket
        From `bound_socket`.
    token : str
        What clients have to send.
    mind_for : callable
        Chooses what thinks for a call.
    on_progress : callable
        Told what is being loaded.
    on_ready : callable
        Told, once, that calls are taken and the models loaded.

    Raises
    ------
    Exception
        What kept the engines from loading.
    """
    offer_loopback_when_alone()
    host, port = listener.getsockname()[:2]
    loop = asyncio.get_running_loop()

    def tell(text: str) -> None:
        loop.call_soon_threadsafe(on_progress, text)

    engines = asyncio.ensure_future(asyncio.to_thread(speech_engines.load, tell))
    # On a wildcard address any name may lead here, and the person who chose it wants that.
    names = frozenset() if host in ("0.0.0.0", "::") else LOOPBACK_NAMES | {host}  # noqa: S104 - compared, not bound
    app = create_app(token=token, engines=engines, mind_for=mind_for, hosts=names)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2))

    def loaded(done: asyncio.Future[Engines]) -> None:
        if done.cancelled() or done.exception() is not None:
            server.should_exit = True

    engines.add_done_callback(loaded)
    serving = asyncio.create_task(server.serve([listener]))
    await asyncio.wait({serving, engines}, return_when=asyncio.FIRST_COMPLETED)
    if engines.done() and not server.should_exit:
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has a flag, no event
            await asyncio.sleep(0.005)
        on_ready(Listening(host, port, engines.result().names()))
    await serving
    if engines.done():
        engines.result()
