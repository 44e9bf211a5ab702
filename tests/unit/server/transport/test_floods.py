"""A call beside a flood: what one client sends keeps no other from getting its whole response."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import numpy as np
import pytest

from rtc_widget import OpenAI
from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget.server.speech.engines import Engines
from tests.limits import HANGS
from tests.unit.server.peer import RATE, Peer
from tests.unit.server.scripted_server import server_of_two
from tests.unit.server.stage import LoudIsSpeech, Recognizer, Responder
from tests.unit.server.transport.test_invalid_offers import offer
from tests.unit.server.waiting import waited

websockets = pytest.importorskip("websockets")

TEXT = "It tries every pair of addresses. " * 6
SECONDS = len(TEXT.strip()) / 100
LOUD = 1_000
LONGEST_GAP = 4.0
"""Seconds without a frame; a flood that holds up the server takes from 10 s to some minutes."""
KEY = {"Authorization": "Bearer right"}


class Tone:
    """Speaks 10 ms of a tone for each character; Opus would remove the constant of the scripted speaker."""

    name = "tone"

    def speak(self, text: str, *, voice: str = "heart", speed: float = 1.0) -> MonoAudio:
        times = np.arange(len(text) * 240) / 24_000
        return MonoAudio((0.5 * np.sign(np.sin(2 * np.pi * 440 * times))).astype(np.float32), 24_000)


Flood = Callable[[str], Awaitable[None]]


async def statuses(address: str, path: str, body: str, kind: str, count: int = 1) -> list[int]:
    """Return the statuses of `count` requests, one after another."""
    async with httpx.AsyncClient(headers={**KEY, "Content-Type": kind}, trust_env=False, timeout=HANGS) as client:
        url, content = f"http://{address}/v1/realtime/{path}", body.encode()
        return [(await client.post(url, content=content)).status_code for _ in range(count)]


async def many_candidates(address: str) -> None:
    candidate = "a=candidate:{0} 1 udp 2130706431 10.0.{0}.1 {0} typ host\r\n"
    large = await offer() + "".join(candidate.format(number) for number in range(15_000))
    assert await statuses(address, "calls?model=any", large, "application/sdp") == [400]


async def many_sections(address: str) -> None:
    section = "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:x{}\r\na=rtpmap:96 opus/48000/2\r\n"
    large = await offer() + "".join(section.format(number) for number in range(400))
    assert await statuses(address, "calls?model=any", large, "application/sdp") == [400]


def item(number: int, **content: Any) -> str:
    message = {"id": f"item_{number}", "type": "message", "role": "user", "content": [content]}
    return json.dumps({"type": "conversation.item.create", "item": message})


async def session(address: str, **options: Any) -> Any:
    url = f"ws://{address}/v1/realtime?model=any"
    return await websockets.connect(url, additional_headers=KEY, max_size=None, **options)


async def many_items(address: str) -> None:
    client = await session(address)
    try:
        received: set[str] = set()
        for number in range(5_000):
            await client.send(item(number, type="input_text", text="What is ICE?"))
            while number - len(received) > 100:
                event = json.loads(await client.recv())
                if event["type"] in ("conversation.item.done", "error"):
                    received.add(event["event_id"])
        await client.send(json.dumps({"type": "response.create"}))
        while json.loads(await client.recv())["type"] != "response.done":
            pass
    finally:
        await client.close()


async def unread_audio(address: str) -> None:
    client = await session(address, max_queue=1, close_timeout=0.1)
    try:
        audio = base64.b64encode(bytes(48_000 * 60)).decode()
        await client.send(item(1, type="input_audio", audio=audio, transcript="Hm."))
        with contextlib.suppress(websockets.ConnectionClosed):
            for _ in range(60):
                await client.send(json.dumps({"type": "conversation.item.retrieve", "item_id": "item_1"}))
        await asyncio.sleep(1)  # the call goes on beside what nobody reads
    finally:
        client.transport.abort()


async def large_keys(address: str) -> None:
    def body(size: int) -> str:
        return json.dumps({"session": {"type": "realtime", "instructions": "x" * size}})

    refused = await statuses(address, "client_secrets", body(1_000_000), "application/json", 10)
    assert refused == [400] * 10
    assert 429 in await statuses(address, "client_secrets", body(200_000), "application/json", 100)


async def half_sent_requests(address: str) -> None:
    host, port = address.split(":")
    writers = []
    for _ in range(100):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /v1/realtime/calls HTTP/1.1\r\nHost: ")
        writers.append(writer)
    await asyncio.sleep(1)  # the call goes on beside them
    for writer in writers:
        writer.close()


async def longest_gap(is_over: asyncio.Event) -> float:
    """Return the longest time, in seconds, in which the loop let nothing else run, without waits for a processor."""
    loop, longest = asyncio.get_running_loop(), 0.0
    while not is_over.is_set():
        began, before = loop.time(), waited()
        await asyncio.sleep(0.02)
        longest = max(longest, loop.time() - began - (waited() - before))
    return longest


@pytest.mark.parametrize(
    "flood",
    [many_candidates, many_sections, many_items, unread_audio, large_keys, half_sent_requests],
    ids=lambda flood: flood.__name__,
)
async def test_a_call_gets_its_whole_response_beside(flood: Flood) -> None:
    responder = Responder()
    responder.says = [TEXT]
    engines = Engines(Recognizer(), Tone(), LoudIsSpeech)
    async with (
        server_of_two(engines=engines, responder=responder) as address,
        Peer(OpenAI("right", base_url=f"http://{address}/v1")) as peer,
    ):
        is_over = asyncio.Event()
        watching = asyncio.create_task(longest_gap(is_over))
        flooding = asyncio.create_task(flood(address))
        try:
            peer.ask("What is ICE?")
            peer.send({"type": "response.create"})
            done = await peer.wait_for("response.done")
            await peer.wait_for("output_audio_buffer.stopped")
            async with asyncio.timeout(HANGS):
                await flooding
        finally:
            is_over.set()
            flooding.cancel()
            gap = await watching
        # The last frames may be on their way.
        async with asyncio.timeout(HANGS):
            while (np.abs(peer.heard()) > LOUD).sum() / RATE < 0.8 * SECONDS:
                await asyncio.sleep(0.02)
    assert done["response"]["status"] == "completed"
    assert done["response"]["output"][0]["content"][0]["transcript"].strip() == TEXT.strip()
    assert gap < LONGEST_GAP
