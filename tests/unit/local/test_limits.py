"""What ends calls, and that nothing is left of those that have ended; in this process, with scripted engines."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
import tracemalloc
import weakref
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from rtc_widget.local.app import Access, create_app
from rtc_widget.local.calls import Calls, Limits
from rtc_widget.local.dialogue import Dialogue
from rtc_widget.local.host_addresses import offer_loopback_when_alone
from rtc_widget.local.minds import OneMind
from rtc_widget.local.refusal import Refusal
from rtc_widget.local.server import server_config
from rtc_widget.local.speech.engines import Engines
from rtc_widget.signaling.base import Answer
from tests.unit.local.peer import Peer
from tests.unit.local.stage import LoudIsSpeech, Mind, Recognizer, Speaker

PROC = Path("/proc/self/fd")
HAS_PROC = PROC.is_dir()
MOST_KEPT = 500_000
"""Bytes after fifty calls: ten thousand each. A call that is kept holds more than a hundred thousand."""
SETTINGS = {"type": "realtime", "model": "any"}


class Direct:
    """A signaling without HTTP: straight to the calls."""

    name, data_channel_label, ice_servers = "direct", "oai-events", ()

    def __init__(self, calls: Calls) -> None:
        self.calls = calls

    async def prepare(self, progress: Any) -> None:
        """Nothing is to be prepared."""

    async def exchange(self, offer: str, session: Mapping[str, Any]) -> Answer:
        answered = await self.calls.begin(offer, {**SETTINGS, **session}, Mind())
        return Answer(answered.sdp, answered.call_id)

    async def hang_up(self, call_id: str) -> None:
        if call_id in self.calls.ids:
            await self.calls.find(call_id).end()


async def calls_with(**limits: Any) -> Calls:
    offer_loopback_when_alone()
    engines: asyncio.Future[Engines] = asyncio.get_running_loop().create_future()
    engines.set_result(Engines(Recognizer(), Speaker(), LoudIsSpeech))
    return Calls(engines, Limits(**limits))


async def ends_within(calls: Calls, seconds: float) -> float:
    began = time.monotonic()
    while calls.ids:
        assert time.monotonic() - began < seconds, "the call goes on"
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
        assert await ends_within(calls, 3.0) > 0.5


async def silence(_: bytes) -> None:
    pass


async def test_a_call_ends_when_its_time_is_over() -> None:
    calls = await calls_with(minutes=1.5 / 60)
    async with Peer(Direct(calls)) as peer:
        error = (await peer.wait_for("error"))["error"]
        await ends_within(calls, 3.0)

    assert error["code"] == "session_expired"


async def test_more_calls_than_are_allowed_are_refused() -> None:
    calls = await calls_with(calls=1)
    async with Peer(Direct(calls)):
        second = Peer(Direct(calls))
        with pytest.raises(Refusal) as refused:
            await second.__aenter__()
        await second.connection.close()
        assert (refused.value.status, refused.value.code) == (429, "rate_limit_exceeded")
    async with Peer(Direct(calls)):
        pass  # there is room again


def sockets() -> int:
    found = 0
    for file in PROC.iterdir():
        try:
            found += str(file.readlink()).startswith("socket:")
        except FileNotFoundError:
            continue  # the one that lists the folder
    return found


@pytest.fixture
def memory() -> Iterator[Callable[[], int]]:
    """How many bytes Python and NumPy hold. What the system counts goes up and down with all other tests."""

    def held() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    yield held
    tracemalloc.stop()


def dialogues() -> int:
    gc.collect()
    return sum(isinstance(made, Dialogue) for made in gc.get_objects())


@pytest.mark.skipif(not HAS_PROC, reason="sockets are counted in /proc")
async def test_fifty_calls_leave_nothing_behind(memory: Callable[[], int]) -> None:
    calls = await calls_with()
    made: list[weakref.ref[Any]] = []

    async def one_call() -> None:
        async with Peer(Direct(calls), {"output_modalities": ["text"]}) as peer:
            assert peer.answer is not None
            call = calls.find(str(peer.answer.call_id))
            made.extend([weakref.ref(call), weakref.ref(call.dialogue)])
            peer.ask("What is Opus?")
            peer.send({"type": "response.create"})
            await peer.wait_for("response.done")

    async def five_calls() -> None:
        await asyncio.gather(*(one_call() for _ in range(5)))

    for _ in range(2):
        await five_calls()  # what is made once and kept, is made
    gc.collect()
    before = (len(asyncio.all_tasks()), threading.active_count(), sockets())
    memory_before = memory()
    for _ in range(10):
        await five_calls()
    async with asyncio.timeout(5):
        while len(asyncio.all_tasks()) > before[0]:
            await asyncio.sleep(0.05)
    gc.collect()

    assert calls.ids == []
    assert len(made) == 120
    assert [ref() for ref in made if ref() is not None] == []
    tasks, threads, open_now = len(asyncio.all_tasks()), threading.active_count(), sockets()
    assert tasks == before[0]
    assert open_now <= before[2]  # an earlier test's may have been closed meanwhile
    assert memory() - memory_before < MOST_KEPT
    # The loop's own pool of threads may have grown to its size; it does not grow with the calls.
    assert threads <= before[1] + min(32, (os.cpu_count() or 1) + 4)


@pytest.fixture
async def server() -> AsyncGenerator[str, None]:
    """A server in this process that takes two sessions."""
    engines: asyncio.Future[Engines] = asyncio.get_running_loop().create_future()
    engines.set_result(Engines(Recognizer(), Speaker(), LoudIsSpeech))
    app = create_app(Access("right"), engines=engines, mind_for=OneMind(Mind()), limits=Limits(calls=2, minutes=1 / 60))
    config = server_config(app)
    config.port = 0
    running = uvicorn.Server(config)
    running.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(running.serve())
    while not running.started:
        await asyncio.sleep(0.01)
    yield f"127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    running.should_exit = True
    await serving


async def test_fifty_websocket_sessions_leave_nothing_behind(server: str, memory: Callable[[], int]) -> None:
    websockets = pytest.importorskip("websockets")
    headers = {"Authorization": "Bearer right"}

    async with httpx.AsyncClient(trust_env=False, verify=False) as client:

        async def one_session() -> None:
            async with websockets.connect(f"ws://{server}/v1/realtime?model=any", additional_headers=headers) as socket:
                assert "session.created" in await socket.recv()
            while (await client.get(f"http://{server}/health")).json()["calls"]:
                await asyncio.sleep(0.005)

        for _ in range(5):
            await one_session()  # what is made once and kept, is made
        gc.collect()
        before = (len(asyncio.all_tasks()), sockets() if HAS_PROC else 0, dialogues())
        for _ in range(2):
            memory_before = memory()
            for _ in range(50):
                await one_session()
            if (kept := memory() - memory_before) < MOST_KEPT:
                break  # else once more: what something else in this process has loaded meanwhile is loaded once
        async with asyncio.timeout(5):
            while len(asyncio.all_tasks()) > before[0]:
                await asyncio.sleep(0.02)

        assert dialogues() <= before[2]
        if HAS_PROC:
            assert sockets() <= before[1]
        assert kept < MOST_KEPT


async def test_a_websocket_session_ends_when_its_time_is_over(server: str) -> None:
    websockets = pytest.importorskip("websockets")
    headers = {"Authorization": "Bearer right"}
    said: list[str] = []
    async with websockets.connect(f"ws://{server}/v1/realtime?model=any", additional_headers=headers) as socket:

        async def listen() -> None:
            while True:
                said.append(str(await socket.recv()))

        with pytest.raises(websockets.ConnectionClosed) as closed:
            await asyncio.wait_for(listen(), 5)

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
