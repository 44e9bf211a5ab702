"""Real connections that are closed while they connect, each with a second connection on the same loop."""

from __future__ import annotations

import asyncio
import gc

import pytest

from tests.limits import HANGS

pytest.importorskip("aiortc")

from aiortc import RTCConfiguration, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from rtc_widget._aiortc.connection import Connection

NOWHERE = RTCConfiguration(iceServers=[])
# aiortc checks candidates every 20 ms; ICE takes about 100 ms, DTLS another 100.
MOMENTS = [0.0, *(0.05 + 0.02 * step for step in range(11))]


@pytest.fixture
async def complaints():
    """What the loop has to complain about; read it after `gc.collect`."""
    found: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: found.append(f"{context['message']}: {context.get('exception')}"))
    yield found
    loop.set_exception_handler(None)


async def test_closed_at_any_moment_it_leaves_no_exception_and_no_task(complaints):
    before = asyncio.all_tasks()
    for moment in MOMENTS:
        caller, callee = Connection(NOWHERE), Connection(NOWHERE)
        caller.addTrack(AudioStreamTrack())
        caller.createDataChannel("oai-events")
        await caller.setLocalDescription(await caller.createOffer())
        await callee.setRemoteDescription(RTCSessionDescription(caller.localDescription.sdp, "offer"))
        await callee.setLocalDescription(await callee.createAnswer())
        await caller.setRemoteDescription(RTCSessionDescription(callee.localDescription.sdp, "answer"))
        await asyncio.sleep(moment)
        async with asyncio.timeout(HANGS):
            await caller.close()
            await callee.close()
        del caller, callee
    await asyncio.sleep(0.1)
    gc.collect()
    assert complaints == []
    assert asyncio.all_tasks() == before
