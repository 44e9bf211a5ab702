"""Many small messages over a real data channel."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.limits import HANGS

pytest.importorskip("aiortc")

from aiortc import RTCConfiguration, RTCDataChannel, RTCSctpTransport, RTCSessionDescription

from rtc_widget._aiortc.connection import Connection
from rtc_widget._aiortc.sctp import CHUNK_BYTES, MAX_WINDOW

COUNT = 2_000


def packets_of(transport: RTCSctpTransport) -> list[int]:
    """Return a list that grows by the size of each packet that the transport sends."""
    sizes: list[int] = []
    dtls: Any = transport.transport
    send = dtls._send_data

    async def counted(data: bytes) -> None:
        sizes.append(len(data))
        await send(data)

    dtls._send_data = counted
    return sizes


async def test_small_messages_share_packets_and_arrive_in_order_in_both_directions() -> None:
    caller, callee = (Connection(RTCConfiguration(iceServers=[])) for _ in range(2))
    echoed: list[str] = []
    is_over = asyncio.Event()

    def receive(message: str) -> None:
        echoed.append(message)
        if len(echoed) == COUNT:
            is_over.set()

    @callee.on("datachannel")
    def answer(echo: RTCDataChannel) -> None:
        echo.on("message", echo.send)

    channel = caller.createDataChannel("oai-events")
    channel.on("message", receive)
    opened = asyncio.Event()
    channel.on("open", opened.set)
    try:
        await caller.setLocalDescription(await caller.createOffer())
        await callee.setRemoteDescription(RTCSessionDescription(caller.localDescription.sdp, "offer"))
        await callee.setLocalDescription(await callee.createAnswer())
        await caller.setRemoteDescription(RTCSessionDescription(callee.localDescription.sdp, "answer"))
        async with asyncio.timeout(HANGS):
            await opened.wait()
            assert caller.sctp is not None
            packets = packets_of(caller.sctp)
            in_flight = 0
            for number in range(COUNT):
                channel.send(f'{{"number": {number}}}')
            while not is_over.is_set():
                in_flight = max(in_flight, sum(chunk._in_flight for chunk in caller.sctp._sent_queue))
                await asyncio.sleep(0)
    finally:
        await asyncio.gather(caller.close(), callee.close())
    assert echoed == [f'{{"number": {number}}}' for number in range(COUNT)]
    # With the acknowledgements of as many messages that come back.
    assert len(packets) < COUNT / 2
    assert max(packets) <= 1_200
    assert 0 < in_flight <= MAX_WINDOW / CHUNK_BYTES + 1
