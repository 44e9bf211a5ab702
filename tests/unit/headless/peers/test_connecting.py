"""Two peers connect, hear each other and exchange messages, on both engines."""

from __future__ import annotations

import asyncio
import base64

import numpy as np
import pytest

from tests.limits import HANGS, eventually
from tests.unit.headless.peer_driver import (
    TONE,
    both_engines,
    connected,
    needs_wrtc,
    negotiate,
)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("wrtc", "wrtc", marks=needs_wrtc),
        pytest.param("wrtc", "aiortc", marks=needs_wrtc),
        pytest.param("aiortc", "wrtc", marks=needs_wrtc),
        ("aiortc", "aiortc"),
    ],
)
async def test_two_peers_connect_hear_a_tone_and_exchange_messages(make, first, second):
    a, b = make(first), make(second)
    added = await a("add_track", media=TONE)
    assert added == {"sender": "sender:1", "transceiver": "transceiver:1"}
    made = await a("create_data_channel", label="chat", options={"ordered": False, "max_retransmits": 0})
    assert made == {"channel": "channel:1"}
    await negotiate(a, b)
    await connected(a, b)
    await eventually(lambda: "open" in a.names("channel:1") and "open" in b.names("channel:1"))
    channel = b.objects["channel:1"]
    assert (channel["label"], channel["ordered"], channel["max_retransmits"]) == ("chat", False, 0)
    await a("send", channel="channel:1", text="Hello ä")
    await b("send", channel="channel:1", base64="AAH/")
    await eventually(lambda: b.payloads("message") and a.payloads("message"))
    assert b.payloads("message") == [{"text": "Hello ä"}]
    assert a.payloads("message") == [{"base64": "AAH/"}]

    [track] = b.payloads("track")
    assert track == {"transceiver": "transceiver:1", "receiver": "receiver:1", "track": track["track"]}
    assert b.objects[track["track"]]["kind"] == "audio"
    await b.until("muted", False, track["track"])
    async with asyncio.timeout(HANGS):
        while not any(report.get("audioLevel", 0) > 0.1 for report in await b.stats("inbound-rtp")):
            await asyncio.sleep(0.1)
    for peer in (a, b):
        await eventually(peer.selected)
        assert peer.objects[peer.objects["sender:1"]["transport"]]["state"] == "connected"
        assert peer.pc("local_description") == peer.pc("current_local_description")
        assert peer.pc("pending_local_description") is None


@needs_wrtc
async def test_the_audio_of_the_other_side_is_taken_out_of_the_jitter_buffer(make):
    a, b = make("wrtc"), make("wrtc")
    await a("add_track", media=TONE)
    await negotiate(a, b)
    async with asyncio.timeout(HANGS):
        while not any(report.get("jitterBufferEmittedCount", 0) > 4800 for report in await b.stats("inbound-rtp")):
            await asyncio.sleep(0.1)


@needs_wrtc
async def test_one_sides_candidates_are_enough(make):
    a, b = make("wrtc"), make("wrtc")
    await a("create_data_channel", label="chat", options={})
    offer = await a("create_offer", ice_restart=False)
    assert "a=candidate" not in offer["sdp"]
    await a("set_local_description", description=offer)
    await b("set_remote_description", description=offer)
    answer = await b("create_answer")
    await b("set_local_description", description=answer)
    await a("set_remote_description", description=answer)
    await a.gathered()
    for candidate in a.candidates():
        await b("add_ice_candidate", candidate=candidate)
    await b("add_ice_candidate", candidate=None)
    await connected(a, b)
    # A was never given a candidate of B: it has learned it from B's checks (RFC 8445, section 7.3.1.3).
    await eventually(a.selected)
    assert [pair["remote"]["type"] for pair in a.selected()] == ["prflx"]


@both_engines
async def test_candidates_are_reported_and_then_that_there_are_no_more(make, engine):
    a = make(engine)
    await a("create_data_channel", label="chat", options={})
    await a("set_local_description", description=None)
    await a.gathered()
    candidates = a.candidates()
    assert candidates
    assert all(candidate["candidate"].startswith("candidate:") for candidate in candidates)
    assert {candidate["sdpMid"] for candidate in candidates} == {"0"}
    assert a.payloads("icecandidate").index({"candidate": None, "url": None}) == len(candidates)
    names = a.names("pc")
    last_change = len(names) - 1 - names[::-1].index("icegatheringstatechange")
    assert names.index("icegatheringstatechange") < names.index("icecandidate") < last_change
    assert all(candidate["candidate"].split()[4] in a.pc("local_description")["sdp"] for candidate in candidates)


@both_engines
async def test_a_clip_is_fetched_from_the_kernel_and_heard_when_connected(make, engine):
    a, b = make(engine), make("aiortc")
    pcm = (np.sin(np.arange(24_000) / 10) * 8000).astype("<i2").tobytes()
    a.clips["k"] = {"rate": 24_000, "data": base64.b64encode(pcm).decode(), "next": None}
    await a("add_track", media={"kind": "clip", "clip": "k"})
    await negotiate(a, b)
    async with asyncio.timeout(HANGS):
        while not any(report.get("audioLevel", 0) > 0.1 for report in await b.stats("inbound-rtp")):
            await asyncio.sleep(0.02)
