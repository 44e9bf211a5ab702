"""The server as the child of another process: `python -m rtc_widget.server`, started by `rtc_widget.server.process`."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING

from rtc_widget.server.logs import log_from_thread
from rtc_widget.server.speech.subprocess_engines import EngineProcesses

if TYPE_CHECKING:
    from rtc_widget.server.responders.parent_pipe import ParentPipe

MAX_CALLS = 64
"""Limit on parallel calls. Only one kernel can call this server, but an experiment may hold many conversations."""


def main() -> None:
    """Serve until the parent process ends."""
    # First, so that the engines load while this process imports the server, which takes most of a second.
    processes = EngineProcesses()
    # Otherwise pydantic looks for plugins in the metadata of every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from rtc_widget.server.responders.parent_pipe import ParentPipe

    parent = ParentPipe()
    log_from_thread(logging.WARNING, "%(asctime)s %(levelname)s %(name)s: %(message)s")
    token = parent.token()
    parent.send("progress", text="Starting the local server …")
    asyncio.run(_serve(parent, token, processes))


async def _serve(parent: ParentPipe, token: str, processes: EngineProcesses) -> None:
    parent.listen()
    from rtc_widget.server.http.app import Access
    from rtc_widget.server.http.responder_selection import HeaderResponders
    from rtc_widget.server.serve import ServerInfo, bound_socket, serve
    from rtc_widget.server.transport.registry import Limits

    def ready(info: ServerInfo) -> None:
        parent.send("ready", port=info.port, engines=info.engines)

    await serve(
        bound_socket("127.0.0.1", 0),
        Access(token),
        responder_for=HeaderResponders(parent),
        processes=processes,
        limits=Limits(calls=MAX_CALLS),
        has_network_control=True,
        on_progress=lambda text: parent.send("progress", text=text),
        on_ready=ready,
    )


if __name__ == "__main__":
    main()
