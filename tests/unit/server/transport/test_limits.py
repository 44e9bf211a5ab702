"""The limits that end calls; nothing remains of an ended call. In this process, with scripted engines."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator

import pytest

from rtc_widget.server.errors import ApiError
from rtc_widget.server.transport.registry import CallRegistry
from tests.limits import HANGS
from tests.unit.server.leftovers import left_by
from tests.unit.server.peer import Peer
from tests.unit.server.scripted_server import Direct, calls_with, server_of_two

MOST_KEPT = 250_000
"""Bytes after fifty calls: five thousand each. A call that is kept holds more than a hundred thousand."""


async def ends_after(calls: CallRegistry) -> float:
    """Wait until no call is left and return how long that took, in seconds."""
    began = time.monotonic()
    while calls.ids:
        assert time.monotonic() - began < HANGS, "the call goes on"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def test_a_call_ends_when_its_peer_falls_silent() -> None:
    calls = await calls_with(silent_seconds=1.0)
    async with Peer(Direct(calls)) as peer:
        await asyncio.sleep(1.5)
        assert calls.ids, "it was not silent"
        # As when the machine is put to sleep: nothing is sent any more, and nothing said about it.
        for transceiver in peer.connection.getTransceivers():
            transceiver.sender.transport.transport._connection.send = silence  # type: ignore[method-assign]
            transceiver.sender.transport.transport._send = silence  # type: ignore[method-assign]
        assert await ends_after(calls) > 0.5


async def silence(_: bytes) -> None:
    pass


async def test_a_call_ends_when_its_time_is_over() -> None:
    calls = await calls_with(minutes=4 / 60)
    async with Peer(Direct(calls)) as peer:
        error = (await peer.wait_for("error"))["error"]
        await ends_after(calls)

    assert error["code"] == "session_expired"


async def test_more_calls_than_are_allowed_are_refused() -> None:
    calls = await calls_with(calls=1)
    async with Peer(Direct(calls)):
        second = Peer(Direct(calls))
        with pytest.raises(ApiError) as refused:
            await second.__aenter__()
        await second.connection.close()
        assert (refused.value.status, refused.value.code) == (429, "rate_limit_exceeded")
    async with Peer(Direct(calls)):
        pass  # there is room again


@pytest.mark.alone
def test_fifty_calls_leave_nothing_behind() -> None:
    left = left_by("calls")

    assert (left.made, left.kept) == (120, 0)
    assert left.after.tasks <= left.before.tasks
    assert left.after.sockets <= left.before.sockets
    assert left.after.memory - left.before.memory < MOST_KEPT
    # The loop's own pool of threads may have grown to its size; it does not grow with the calls.
    assert left.after.threads <= left.before.threads + min(32, (os.cpu_count() or 1) + 4)


@pytest.mark.alone
def test_fifty_websocket_sessions_leave_nothing_behind() -> None:
    pytest.importorskip("websockets")
    left = left_by("websockets")

    assert left.after.dialogues <= left.before.dialogues
    assert left.after.tasks <= left.before.tasks
    assert left.after.sockets <= left.before.sockets
    assert left.after.memory - left.before.memory < MOST_KEPT


@pytest.fixture
async def server() -> AsyncGenerator[str, None]:
    async with server_of_two() as address:
        yield address


@pytest.fixture
async def brief_server() -> AsyncGenerator[str, None]:
    """A server whose sessions last a second."""
    async with server_of_two(minutes=1 / 60) as address:
        yield address


async def test_a_websocket_session_ends_when_its_time_is_over(brief_server: str) -> None:
    websockets = pytest.importorskip("websockets")
    headers = {"Authorization": "Bearer right"}
    said: list[str] = []
    async with websockets.connect(f"ws://{brief_server}/v1/realtime?model=any", additional_headers=headers) as socket:

        async def listen() -> None:
            while True:
                said.append(str(await socket.recv()))

        with pytest.raises(websockets.ConnectionClosed) as closed:
            await asyncio.wait_for(listen(), HANGS)

    assert "session_expired" in said[-1]
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001


async def test_a_third_websocket_is_refused(server: str) -> None:
    websockets = pytest.importorskip("websockets")
    url, headers = f"ws://{server}/v1/realtime?model=any", {"Authorization": "Bearer right"}
    async with (
        websockets.connect(url, additional_headers=headers),
        websockets.connect(url, additional_headers=headers),
    ):
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with websockets.connect(url, additional_headers=headers):
                pass

    assert refused.value.response.status_code == 429
