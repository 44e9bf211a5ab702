"""Detection of an active page that has disappeared."""

from __future__ import annotations

import asyncio

from tests.unit.server_double import OFFER
from tests.unit.waiting import eventually, settled


async def test_a_second_page_does_not_disturb_the_call_of_the_first(chat, page):
    page.hello()
    page.connected()
    other = page.beside("p2")
    other.hello()
    other.state(None)
    await settled()
    assert chat.status == "connected"
    chat.send_text("hi")
    assert len(page.heard("send")) == 1
    assert other.heard("send") == []


async def test_a_page_that_vanished_with_its_call_is_noticed(chat, page, signaling, monkeypatch):
    monkeypatch.setattr("rtc_widget.comm.liveness.ACTIVE_PAGE_SECONDS", 0.05)
    page.hello()
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    await page.hears("reply")
    page.connected()
    await settled()
    page.beside("p2").hello()
    await eventually(lambda: chat.status == "error")
    assert chat.error["code"] == "page_not_found"
    await eventually(lambda: signaling.hung_up == ["rtc_1"])


async def test_a_page_that_falls_silent_during_a_call_is_noticed_without_any_other_page(
    chat, page, signaling, monkeypatch
):
    monkeypatch.setattr("rtc_widget.comm.liveness.TICK_SECONDS", 0.02)
    monkeypatch.setattr("rtc_widget.comm.liveness.SILENT_SECONDS", 0.05)
    monkeypatch.setattr("rtc_widget.comm.liveness.ACTIVE_PAGE_SECONDS", 0.05)
    page.hello()
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    await page.hears("reply")
    page.connected()
    await settled()
    await eventually(lambda: chat.status != "connected")
    assert chat.error["code"] == "page_not_found"
    await eventually(lambda: signaling.hung_up == ["rtc_1"])
    assert page.heard("ping")


async def test_a_page_that_gives_signs_of_life_keeps_its_call(chat, page, monkeypatch):
    monkeypatch.setattr("rtc_widget.comm.liveness.TICK_SECONDS", 0.02)
    monkeypatch.setattr("rtc_widget.comm.liveness.SILENT_SECONDS", 0.3)
    monkeypatch.setattr("rtc_widget.comm.liveness.ACTIVE_PAGE_SECONDS", 0.3)
    page.hello()
    page.connected()
    for _ in range(100):
        await asyncio.sleep(0.01)
        page.say("pong", time_ms=0)
    assert chat.status == "connected"
