"""The listening socket, the HTTP server on it, and its limits in time. In this process, with scripted engines."""

from __future__ import annotations

import asyncio
import socket

import pytest

from rtc_widget.server.http import connections, offers
from rtc_widget.server.serve import bound_socket
from tests.limits import HANGS
from tests.unit.server.scripted_server import server_of_two


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


async def test_a_half_sent_header_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.05)
    async with server_of_two() as address:
        for start in (b"", b"GET /health HTTP/1.1\r\nHost: 127"):
            reader, writer = await connected(address)
            writer.write(start)
            assert await ended(reader)
            writer.close()


async def test_a_half_sent_header_of_a_second_request_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async with server_of_two() as address:
        reader, writer = await connected(address)
        for _ in range(2):
            writer.write(f"GET /health HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
            assert b'"ready":true' in await asyncio.wait_for(reader.readuntil(b'"calls":0}'), HANGS)
        monkeypatch.setattr(connections, "HEADER_SECONDS", 0.05)
        writer.write(b"GET /health HTT")
        assert await ended(reader)
        writer.close()


async def test_a_websocket_lasts_longer_than_the_time_for_a_header(monkeypatch: pytest.MonkeyPatch) -> None:
    websockets = pytest.importorskip("websockets")
    timers: list[asyncio.TimerHandle | None] = []
    whole = connections.LimitedH11Protocol.data_received

    def received(self: connections.LimitedH11Protocol, data: bytes) -> None:
        whole(self, data)
        timers.append(self._header_timer)

    monkeypatch.setattr(connections.LimitedH11Protocol, "data_received", received)
    async with server_of_two() as address:
        url, headers = f"ws://{address}/v1/realtime?model=any", {"Authorization": "Bearer right"}
        async with websockets.connect(url, additional_headers=headers) as socket:
            assert "session.created" in await socket.recv()

    assert timers[-1] is None


async def test_a_half_sent_body_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "BODY_SECONDS", 0.05)
    async with server_of_two() as address:
        reader, writer = await connected(address)
        head = f"POST /v1/realtime/calls HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer right\r\n"
        writer.write(f"{head}Content-Type: application/sdp\r\nContent-Length: 100\r\n\r\nv=0".encode())
        assert (await asyncio.wait_for(reader.readline(), HANGS)).startswith(b"HTTP/1.1 408")
        writer.close()


async def connected(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = address.partition(":")
    return await asyncio.open_connection(host, int(port))


async def ended(reader: asyncio.StreamReader) -> bool:
    """Wait until the server has ended the connection, without a response."""
    try:
        return await asyncio.wait_for(reader.read(), HANGS) == b""
    except ConnectionResetError:
        return True
