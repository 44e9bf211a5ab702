"""The listening socket, the HTTP server on it, and its limits in time. In this process, with scripted engines."""

from __future__ import annotations

import asyncio
import socket

import pytest

from rtc_widget.server.serve import bound_socket


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_small_messages_are_not_delayed_on_an_accepted_connection(host: str) -> None:
    accepted: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()

    class Server(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted.set_result(transport.get_extra_info("socket"))

    try:
        listener = bound_socket(host, 0)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    # As uvicorn listens on the socket that it is given.
    server = await asyncio.get_running_loop().create_server(Server, sock=listener)
    _, writer = await asyncio.open_connection(host, listener.getsockname()[1])
    try:
        assert (await accepted).getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
    finally:
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
