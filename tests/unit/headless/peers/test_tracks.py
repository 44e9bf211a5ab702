"""Tracks, directions, and what a message makes the page look at."""

from __future__ import annotations

import asyncio

from tests.limits import HANGS, eventually
from tests.unit.headless.peer_driver import (
    TONE,
    both_engines,
    connected,
    negotiate,
)


@both_engines
async def test_a_track_is_replaced_disabled_and_its_direction_changed(make, engine):
    a, b = make(engine), make("aiortc")
    await a("add_track", media=TONE)
    await negotiate(a, b)
    await connected(a, b)

    async def hears(sound: bool) -> None:
        async with asyncio.timeout(HANGS):
            while True:
                levels = [report.get("audioLevel", 0) for report in await b.stats("inbound-rtp")]
                if levels and (levels[0] > 0.05) is sound:
                    return
                await asyncio.sleep(0.05)

    await hears(True)
    track = a.objects["sender:1"]["track"]
    await a("set_track_enabled", track=track, enabled=False)
    assert a.objects[track]["enabled"] is False
    await hears(False)
    await a("replace_track", sender="sender:1", media={"kind": "tone", "hz": 880})
    assert a.objects["sender:1"]["track"] != track
    assert a.objects[track]["ready_state"] == "ended", "no message can name it again"
    await hears(True)
    needed = a.names("pc").count("negotiationneeded")
    await a("set_direction", transceiver="transceiver:1", direction="inactive")
    assert a.objects["transceiver:1"]["direction"] == "inactive"
    await eventually(lambda: a.names("pc").count("negotiationneeded") == needed + 1)


@both_engines
async def test_a_message_watches_its_channel_alone(make, engine):
    a, b = make(engine), make("aiortc")
    await a("create_data_channel", label="chat", options={})
    await negotiate(a, b)
    await a.until("ready_state", "open", "channel:1")
    await b.until("ready_state", "open", "channel:1")
    [peer] = a.page._session._peers.values()
    watched = []
    snapshot = peer._record._snapshot

    def watch(only):
        watched.append(only)
        return snapshot(only)

    peer._record._snapshot = watch
    await b("send", channel="channel:1", text="Hello")
    await eventually(lambda: a.payloads("message"))
    await a("send", channel="channel:1", text="Hello")
    assert watched.count("channel:1") == 3, "the message, and the call and the end of send"
