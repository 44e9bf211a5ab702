"""The network of a peer on aiortc is broken on purpose."""

from __future__ import annotations

import asyncio

import pytest

from rtc_widget.errors import NetworkUnsupported
from tests.limits import HANGS
from tests.unit.headless.peer_driver import (
    TONE,
    connected,
    needs_wrtc,
    negotiate,
)


async def test_the_network_of_a_peer_is_broken_on_purpose(make):
    a, b = make("aiortc"), make("aiortc")
    await a("add_track", media=TONE)
    await negotiate(a, b)
    await connected(a, b)
    assert (await a.page.network()).sent.lost == 0
    await a.page.network(loss=0.5, seed=1, direction="sent")
    async with asyncio.timeout(HANGS):
        while (report := await a.page.network()).sent.lost < 50:
            await asyncio.sleep(0.1)
    assert 0.25 < report.sent.lost / (report.sent.lost + report.sent.carried) < 0.75
    assert report.received.dropped == 0
    report = await a.page.network(down=True)
    async with asyncio.timeout(HANGS):
        while (await a.page.network()).received.link_down < 3:
            await asyncio.sleep(0.1)
    with pytest.raises(ValueError, match="loss must be"):
        await a.page.network(loss=10)
    with pytest.raises(TypeError):
        await a.page.network(lost=1)


async def test_a_peer_is_put_behind_a_nat(make):
    a = make("aiortc")
    await a.create()
    await a.page.network(nat="symmetric")
    await a("create_data_channel", label="chat", options={})
    await a("set_local_description", description=None)
    assert any("10.0.0.2" in candidate["candidate"] for candidate in a.candidates())
    with pytest.raises(NetworkUnsupported, match="before set_local_description"):
        await a.page.network(nat="open")


@needs_wrtc
async def test_the_network_of_libwebrtc_cannot_be_broken(make):
    a = make("wrtc")
    await a.create()
    with pytest.raises(NetworkUnsupported, match='page="aiortc"'):
        await a.page.network(loss=0.1)
