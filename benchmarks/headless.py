"""Compares calls without a browser to bare aiortc: connecting, and calls that only listen.

All call one embedded server in another process. ``bare aiortc`` makes an offer, posts it with httpx and waits for the
data channel. ``aiortc pair`` are two connections in this process, without any server.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import httpx
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from tests.e2e.voice_server import TOKEN, VoiceServer, voice_server
from tests.limits import HANGS

from benchmarks._comparison import Comparison, Results, interleaved
from rtc_widget import OpenAI, VoiceChat

ROUNDS, QUICK_ROUNDS = 15, 5
LISTENING_ROUNDS, QUICK_LISTENING_ROUNDS = 5, 2
CALLS, SECONDS = 6, 10.0
"""How many calls listen at once, and for how long."""


def run(quick: bool) -> Results:
    """Measure connecting, and the processor time of calls that listen."""
    with voice_server() as server, asyncio.Runner() as runner:

        def measured(work: Coroutine[Any, Any, float]) -> float:
            value = runner.run(work)
            server.wait_for_calls(0)  # what ends must not disturb the next
            return value

        ways = {
            "aiortc pair": lambda: measured(_milliseconds_of_pair()),
            "bare aiortc": lambda: measured(_milliseconds(BareCall(server))),
            "VoiceChat": lambda: measured(_milliseconds(HeadlessCall(server))),
        }
        yield Comparison("connect", "ms", "bare aiortc", interleaved(ways, QUICK_ROUNDS if quick else ROUNDS))
        calls, seconds = (2, 3.0) if quick else (CALLS, SECONDS)
        shares = interleaved(
            {
                "bare aiortc": lambda: measured(_share([BareCall(server) for _ in range(calls)], seconds)),
                "VoiceChat": lambda: measured(_share([HeadlessCall(server) for _ in range(calls)], seconds)),
            },
            QUICK_LISTENING_ROUNDS if quick else LISTENING_ROUNDS,
            warm_up=0,
        )
    title = f"each of {calls} calls that only listen"
    yield Comparison(title, "% of a processor", "bare aiortc", shares)
    per_processor = {name: [100 / share for share in values] for name, values in shares.items()}
    yield Comparison("calls that only listen, in one process", "per processor", "bare aiortc", per_processor)


class BareCall:
    """A call by aiortc alone that receives audio and drops it."""

    def __init__(self, server: VoiceServer) -> None:
        self._url = f"{server.url}/v1/realtime/calls?model=rtc-widget-local"
        self._connection = RTCPeerConnection(RTCConfiguration([]))
        self._draining: list[asyncio.Task[None]] = []

    async def connect(self) -> None:
        """Connect, and wait until the data channel is open."""
        connection = self._connection
        connection.add_listener("track", self._drain)
        connection.addTransceiver("audio", "recvonly")
        is_open = _opened(connection.createDataChannel("oai-events"))
        await connection.setLocalDescription(await connection.createOffer())
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/sdp"}
        # Without TLS no certificates to load, which would take longer than the rest.
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=HANGS) as client:
            reply = await client.post(self._url, headers=headers, content=connection.localDescription.sdp)
        reply.raise_for_status()
        await connection.setRemoteDescription(RTCSessionDescription(reply.text, "answer"))
        await is_open

    async def close(self) -> None:
        """End the call."""
        await self._connection.close()
        await asyncio.gather(*self._draining)

    def _drain(self, track: Any) -> None:
        self._draining.append(asyncio.create_task(_drained(track)))


class HeadlessCall:
    """A call of the widget without a browser."""

    def __init__(self, server: VoiceServer) -> None:
        signaling = OpenAI(TOKEN, base_url=f"{server.url}/v1")
        self._chat = VoiceChat(signaling, page="headless", microphone=False)

    async def connect(self) -> None:
        """Connect, and wait until the data channel is open."""
        await self._chat.connect(timeout=HANGS)

    async def close(self) -> None:
        """End the call."""
        await self._chat.disconnect()
        self._chat.close()


Call = BareCall | HeadlessCall


async def _milliseconds(call: Call) -> float:
    took = await _timed(call.connect())
    await call.close()
    return took


async def _milliseconds_of_pair() -> float:
    caller, callee = RTCPeerConnection(RTCConfiguration([])), RTCPeerConnection(RTCConfiguration([]))
    took = await _timed(_connect(caller, callee))
    await asyncio.gather(caller.close(), callee.close())
    return took


async def _connect(caller: RTCPeerConnection, callee: RTCPeerConnection) -> None:
    caller.addTransceiver("audio", "recvonly")
    is_open = _opened(caller.createDataChannel("oai-events"))
    await caller.setLocalDescription(await caller.createOffer())
    await callee.setRemoteDescription(caller.localDescription)
    await callee.setLocalDescription(await callee.createAnswer())
    await caller.setRemoteDescription(callee.localDescription)
    await is_open


async def _share(calls: list[Call], seconds: float) -> float:
    """Return the share of a processor that one of the calls takes while it listens, in percent."""
    await asyncio.gather(*(call.connect() for call in calls))
    gc.collect()
    began, spent = time.perf_counter(), time.process_time()
    await asyncio.sleep(seconds)
    share = (time.process_time() - spent) / (time.perf_counter() - began) / len(calls)
    await asyncio.gather(*(call.close() for call in calls))
    return 100 * share


async def _timed(work: Coroutine[Any, Any, None]) -> float:
    began = time.perf_counter()
    await work
    return (time.perf_counter() - began) * 1000


def _opened(channel: Any) -> asyncio.Future[None]:
    opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    channel.add_listener("open", partial(opened.set_result, None))
    return opened


async def _drained(track: Any) -> None:
    with suppress(MediaStreamError):
        while True:
            await track.recv()
