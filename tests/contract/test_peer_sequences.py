"""The events of the headless page come in the order in which those of Chromium come: `peer_sequences.json`.

The twin of `js/test/peer/sequences.test.ts`, which says how the file is read.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.limits import HANGS, eventually
from tests.unit.headless.peer_driver import PeerDriver, connected

pytest.importorskip("webrtc", reason="needs wrtc (extra `teach`)")

CONTRACT: dict[str, dict[str, list[list[str]]]] = json.loads(
    (Path(__file__).parent / "peer_sequences.json").read_text()
)
SIDES = ("offerer", "answerer")
STATES = {
    "signalingstatechange": "signaling_state",
    "icegatheringstatechange": "ice_gathering_state",
    "iceconnectionstatechange": "ice_connection_state",
    "connectionstatechange": "connection_state",
    "statechange": "state",
    "gatheringstatechange": "gathering_state",
}
UNORDERED = {"operation", "pairs", "selectedcandidatepairchange", "icecandidateerror"}


def sequence(events: list[list[Any]], since: int = 0) -> list[str]:
    """Return the events from a number on, each by its first occurrence."""
    objects: dict[str, dict[str, Any]] = {}
    found: dict[str, None] = {}
    for number, (_, source, name, payload, changes) in enumerate(events):
        for handle, changed in changes.items():
            objects.setdefault(handle, {}).update(changed)
        if number < since or name in UNORDERED:
            continue
        detail = str(objects[source][STATES[name]]) if name in STATES else ""
        if name == "icecandidate" and payload["candidate"] is None:
            detail = "null"
        found[f"{source.partition(':')[0]} {name} {detail}".strip()] = None
    return list(found)


async def all_connected(*peers: PeerDriver) -> None:
    await connected(*peers)
    for peer in peers:
        await peer.until("ready_state", "open", "channel:1")
        await peer.gathered()


async def trickle(giver: PeerDriver, taker: PeerDriver) -> None:
    """Pass the candidates of one peer to the other as soon as it has a remote description."""
    passed = 0
    while True:
        await asyncio.sleep(0.001)
        if taker.objects.get("pc", {}).get("remote_description"):
            candidates = giver.candidates()
            for candidate in candidates[passed:]:
                await taker("add_ice_candidate", candidate=candidate)
            passed = len(candidates)


async def data_channel(offerer: PeerDriver, answerer: PeerDriver) -> None:
    """Connect without trickle: the descriptions hold all candidates."""
    await offerer("create_data_channel", label="chat", options={})
    await eventually(lambda: "negotiationneeded" in offerer.names())
    await offerer("set_local_description", description=await offerer("create_offer", ice_restart=False))
    await offerer.gathered()
    await answerer("set_remote_description", description=offerer.pc("local_description"))
    await answerer("set_local_description", description=await answerer("create_answer"))
    await answerer.gathered()
    await offerer("set_remote_description", description=answerer.pc("local_description"))
    await all_connected(offerer, answerer)


async def tone_and_channel_with_trickle(offerer: PeerDriver, answerer: PeerDriver) -> None:
    passing = [asyncio.create_task(trickle(*pair)) for pair in ((offerer, answerer), (answerer, offerer))]
    await offerer("create_data_channel", label="chat", options={})
    await offerer("add_track", media={"kind": "tone", "hz": 440})
    await eventually(lambda: "negotiationneeded" in offerer.names())
    offer = await offerer("create_offer", ice_restart=False)
    await offerer("set_local_description", description=offer)
    await answerer("set_remote_description", description=offer)
    answer = await answerer("create_answer")
    await answerer("set_local_description", description=answer)
    await offerer("set_remote_description", description=answer)
    await all_connected(offerer, answerer)
    await eventually(lambda: "unmute" in answerer.names())
    for task in passing:
        task.cancel()
    await asyncio.gather(*passing, return_exceptions=True)


Recorded = dict[str, list[str]]


async def record(script: str, offerer: PeerDriver, answerer: PeerDriver) -> Recorded:
    since = dict.fromkeys(SIDES, 0)
    if script == "tone and channel with trickle":
        await tone_and_channel_with_trickle(offerer, answerer)
    else:
        await data_channel(offerer, answerer)
    if script == "remote close":
        since = {"offerer": len(offerer.raw), "answerer": len(answerer.raw)}
        await answerer("close")
        await offerer.until("connection_state", "disconnected")
        await eventually(lambda: "close" in answerer.names("channel:1"))
    peers = {"offerer": offerer, "answerer": answerer}
    return {side: sequence(peers[side].raw, since[side]) for side in SIDES}


@pytest.mark.parametrize("script", sorted({name.partition(":")[0] for name in CONTRACT}))
async def test_events_come_in_the_order_of_chromium(script: str) -> None:
    offerer, answerer = PeerDriver("wrtc"), PeerDriver("wrtc")
    try:
        async with asyncio.timeout(HANGS):
            recorded = await record(script, offerer, answerer)
    finally:
        for driver in (offerer, answerer):
            await asyncio.wrap_future(driver.page._end())
    for name, sides in CONTRACT.items():
        if name.partition(":")[0] != script:
            continue
        for side in SIDES:
            named = [event for step in sides[side] for event in step]
            happened = [event for event in recorded[side] if event in named]
            in_steps = []
            for step in sides[side]:
                in_steps.append(sorted(happened[: len(step)]))
                del happened[: len(step)]
            assert in_steps == [sorted(step) for step in sides[side]], f"{name}, {side}: {recorded[side]}"
