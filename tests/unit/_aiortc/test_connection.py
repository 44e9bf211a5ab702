"""Real connections that are closed while they connect, each with a second connection on the same loop."""

from __future__ import annotations

import asyncio
import gc
import re

import pytest

from tests.limits import HANGS, eventually

pytest.importorskip("aiortc")

from aioice import stun
from aiortc import RTCConfiguration, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from rtc_widget._aiortc import connection
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


def as_it_is(sdp: str) -> str:
    return sdp


def with_names_that_nobody_resolves(sdp: str) -> str:
    """The candidates of Firefox, which hides the addresses of a page without a microphone."""
    named = re.sub(r"(a=candidate:\S+ \d+ udp \d+) \S+", r"\1 0d9b2f5e-7c1f-4f6e-9d57-2f9e4a6f1c11.local", sdp)
    assert ".local" in named
    assert "a=end-of-candidates" in named
    return named


async def connected(offered=as_it_is, answered=as_it_is) -> tuple[Connection, Connection]:
    """Return two ends of a connection; the functions change what the other end gets to see."""
    caller, callee = Connection(NOWHERE), Connection(NOWHERE)
    caller.addTrack(AudioStreamTrack())
    caller.createDataChannel("oai-events")
    await caller.setLocalDescription(await caller.createOffer())
    await callee.setRemoteDescription(RTCSessionDescription(offered(caller.localDescription.sdp), "offer"))
    await callee.setLocalDescription(await callee.createAnswer())
    assert "a=candidate" in callee.localDescription.sdp
    await caller.setRemoteDescription(RTCSessionDescription(answered(callee.localDescription.sdp), "answer"))
    await eventually(lambda: caller.connectionState == callee.connectionState == "connected")
    return caller, callee


def delay_responses(monkeypatch: pytest.MonkeyPatch, seconds: float) -> list[float]:
    """Have every response of STUN arrive so much later; return when they arrived."""
    arrived: list[float] = []
    receive = stun.Transaction.response_received

    def late(transaction, *response):
        def arrive():
            arrived.append(seconds)
            receive(transaction, *response)

        asyncio.get_running_loop().call_later(seconds, arrive)

    monkeypatch.setattr(stun.Transaction, "response_received", late)
    return arrived


@pytest.mark.parametrize("hides", ["offered", "answered"])
async def test_names_that_nobody_resolves_do_not_hinder_the_connection(hides, complaints):
    ends = await connected(**{hides: with_names_that_nobody_resolves})
    for end in ends:
        await end.close()
    gc.collect()
    assert complaints == []


async def test_consent_is_kept_whenever_the_responses_arrive(monkeypatch):
    monkeypatch.setattr(connection, "CONSENT_INTERVAL", 0.05)
    ends = await connected()
    arrived = delay_responses(monkeypatch, 0.8)
    await eventually(lambda: len(arrived) > 20)  # aioice alone gives up after six
    assert [end.connectionState for end in ends] == ["connected", "connected"]
    assert [end.consent_expired for end in ends] == [False, False]
    for end in ends:
        await end.close()


async def test_consent_expires_when_no_response_arrives(monkeypatch, complaints):
    monkeypatch.setattr(connection, "CONSENT_INTERVAL", 0.05)
    monkeypatch.setattr(connection, "CONSENT_SECONDS", 0.5)
    ends = await connected()
    monkeypatch.setattr(stun.Transaction, "response_received", lambda *_: None)
    await eventually(lambda: any(end.consent_expired for end in ends))
    await eventually(lambda: all(end.connectionState == "closed" for end in ends))
    for end in ends:
        await end.close()
    assert complaints == []
