"""Several pages of one kernel: one page has the call; the others follow it and can take it over."""

from __future__ import annotations

import asyncio
import time

import pytest

from rtc_widget.comm.call_messages import FOLLOWER_SECONDS
from rtc_widget.errors import PageTimeout
from rtc_widget.testing.raw_page import CONNECTED
from tests.limits import HANGS
from tests.unit.server_double import OFFER
from tests.unit.waiting import eventually, settled


@pytest.fixture
def other(page):
    return page.beside("p2")


async def calling(page, attempt="a1"):
    """Let a page make a call."""
    page.hello()
    page.state(attempt, status="connecting")
    page.say("exchange", id=f"{page.page}:{attempt}", attempt=attempt, sdp=OFFER)
    await page.hears("reply")
    page.connected(attempt)
    await settled()


async def test_the_traits_say_which_page_has_the_call(chat, page, other):
    await calling(page)
    other.hello()
    other.state(None)
    await settled()
    assert (chat.active_page, chat.status) == ("p1", "connected")
    page.state("a1", status="idle")
    await settled()
    assert chat.active_page is None


async def test_the_pages_that_follow_are_told_of_new_events_and_the_holder_is_not(chat, page, other):
    other.hello()
    await calling(page)
    page.events({"type": "one"}, {"type": "two"})
    assert (await other.hears("log_grew"))["next"] == 2
    page.events({"type": "three"})
    assert (await other.hears("log_grew", 2))["next"] == 3
    assert page.heard("log_grew") == []


async def test_many_events_make_few_messages(chat, page, other):
    other.hello()
    await calling(page)
    began = time.monotonic()
    for number in range(500):
        page.events({"type": "x", "number": number})
    await asyncio.sleep(0.2)
    assert other.heard("log_grew")[-1]["next"] == 500
    assert len(other.heard("log_grew")) <= 1 + (time.monotonic() - began) / FOLLOWER_SECONDS


async def test_a_page_that_takes_the_call_over_gets_it_when_the_other_has_let_go(chat, page, other, signaling):
    seen = []
    chat.observe(lambda change: seen.append(change.new), "status")
    await calling(page)
    other.hello()
    other.state("b1", resumes=True, status="connecting")
    other.say("exchange", id="p2:1", attempt="b1", sdp=OFFER)
    request = await page.hears("release_call")
    await asyncio.sleep(0.05)
    assert len(signaling.offers) == 1, "the second call waits"
    assert (chat.active_page, chat.status) == ("p1", "connected")

    page.state("a1", status="error", error={"code": "call_taken_over", "message": "m", "hint": "h"})
    page.say("hang_up", attempt="a1")
    page.say("reply", id=request["id"], seq=3, result={})
    await other.hears("reply")
    other.state("b1", resumes=True, **CONNECTED)
    await settled()
    assert (chat.active_page, chat.status, chat.error) == ("p2", "connected", None)
    assert seen == ["connecting", "connected", "connecting", "connected"]
    assert len(signaling.offers) == 2
    await eventually(lambda: signaling.hung_up == ["rtc_1"])

    # Who has let go is a follower now: its state counts no more, nor does its goodbye.
    page.state("a1", status="idle")
    page.say("goodbye")
    await settled()
    assert (chat.active_page, chat.status) == ("p2", "connected")


async def test_a_page_that_has_vanished_is_not_waited_for_long(chat, page, other, signaling, monkeypatch):
    monkeypatch.setattr("rtc_widget.comm.liveness.ACTIVE_PAGE_SECONDS", 0.05)
    await calling(page)
    other.state("b1", resumes=True, status="connecting")
    other.say("exchange", id="p2:1", attempt="b1", sdp=OFFER)
    await other.hears("reply")
    await eventually(lambda: signaling.hung_up == ["rtc_1"])
    await settled()
    assert (chat.active_page, chat.status) == ("p2", "connecting")


async def test_streams_go_on_when_the_call_is_taken_over(chat, page, other):
    await calling(page)
    stream = chat.stream("x")
    other.state("b1", resumes=True, status="connecting")
    page.state("a1", status="error", error={"code": "call_taken_over", "message": "m", "hint": "h"})
    other.connected("b1")
    other.events({"type": "x"}, attempt="b1")
    event = await asyncio.wait_for(anext(stream), HANGS)
    assert event.type == "x"


async def test_the_first_page_may_close_after_it_was_taken_over(chat, page, other):
    await calling(page)
    other.state("b1", resumes=True, status="connecting")
    page.state("a1", status="error", error={"code": "call_taken_over", "message": "m", "hint": "h"})
    other.connected("b1")
    page.say("goodbye")
    await settled()
    assert (chat.active_page, chat.status) == ("p2", "connected")


async def test_the_end_of_the_call_of_the_page_that_took_it_over_is_known(chat, page, other, signaling):
    await calling(page)
    other.state("b1", resumes=True, status="connecting")
    page.state("a1", status="error", error={"code": "call_taken_over", "message": "m", "hint": "h"})
    other.connected("b1")
    other.say("goodbye")
    await settled()
    assert (chat.active_page, chat.status, chat.error["code"]) == (None, "error", "page_not_found")


async def test_connect_asks_the_page_that_is_left_when_the_newer_one_has_said_goodbye(chat, page, other):
    page.hello()
    other.hello()
    other.say("goodbye")
    connecting = asyncio.ensure_future(chat.connect(timeout=HANGS))
    await page.reply("connect", result={"attempt": "a1"})
    await connecting
    assert other.heard("connect") == []


async def test_connect_asks_a_page_that_is_there_when_the_newer_one_has_gone_without_a_word(
    chat, page, other, monkeypatch
):
    monkeypatch.setattr("rtc_widget.comm.find_page.PONG_SECONDS", 0.1)
    page.hello()
    other.hello()
    connecting = asyncio.ensure_future(chat.connect(timeout=HANGS))
    await page.hears("ping", 2)
    other.state(None)  # said before it went, and late to arrive
    page.say("pong", time_ms=0)
    await page.reply("connect", result={"attempt": "a1"})
    await connecting
    assert other.heard("connect") == []


async def test_connect_asks_the_other_page_when_the_first_has_gone_after_its_pong(chat, page, other, monkeypatch):
    monkeypatch.setattr("rtc_widget.comm.bridge.PAGE_SECONDS", 0.1)
    page.hello()
    other.hello()
    connecting = asyncio.ensure_future(chat.connect(timeout=HANGS))
    await other.hears("ping", 2)
    other.say("pong", time_ms=0)  # the reply to an earlier ping, late to arrive
    await other.hears("connect")
    await page.reply("connect", result={"attempt": "a1"})
    await connecting


async def test_the_newest_of_the_pages_that_are_there_is_asked(chat, page, other):
    page.hello()
    other.hello()
    connecting = asyncio.ensure_future(chat.connect(timeout=HANGS))
    await other.hears("ping", 2)
    page.say("pong", time_ms=0)
    other.say("pong", time_ms=0)
    await other.reply("connect", result={"attempt": "b1"})
    await connecting
    assert page.heard("connect") == []


async def test_a_page_that_comes_back_is_asked_again(chat, page):
    page.hello()
    page.say("goodbye")
    page.hello()
    chat.mute()
    assert len(page.heard("mute")) == 1


async def test_a_disconnect_that_nobody_does_leaves_no_traits_that_claim_a_call(chat, page, signaling):
    await calling(page)
    with pytest.raises(PageTimeout):
        await chat.disconnect(timeout=0.05)
    await settled()
    assert (chat.status, chat.active_page, chat.data_channel_state) == ("error", None, "closed")
    assert chat.error["code"] == "page_not_found"
    await eventually(lambda: signaling.hung_up == ["rtc_1"])
