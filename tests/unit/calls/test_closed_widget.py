"""A closed widget makes no calls, because no user could see them."""

from __future__ import annotations

import asyncio
from threading import Thread

import pytest

from rtc_widget import VoiceChat
from rtc_widget.comm import protocol
from rtc_widget.errors import NotConnected, PageNotFound, WidgetClosed
from rtc_widget.testing import ScriptedPage
from tests.limits import HANGS
from tests.unit.server_double import OFFER
from tests.unit.waiting import eventually, settled


async def test_no_call_is_made_after_the_end():
    page = ScriptedPage()
    chat = VoiceChat(page=page)
    await chat.connect()
    chat.close()
    chat.close()
    before = len(page.heard("connect"))
    with pytest.raises(PageNotFound, match=r"closed.*VoiceChat\(\)"):
        await chat.connect()
    assert len(page.heard("connect")) == before
    assert (chat.status, chat.data_channel_state) == ("idle", "closed")


async def test_what_is_known_can_still_be_read_and_stopped():
    page = ScriptedPage()
    chat = VoiceChat(page=page)
    recorder = chat.record()
    page.will_say("ICE finds a way.")
    await chat.connect()
    await chat.ask("What is ICE?", audio=False)
    chat.close()
    await chat.disconnect()
    recorder.stop()
    assert not chat.is_recording
    assert chat.transcript[-1].text == "ICE finds a way."
    assert len(chat.events) > 3
    with pytest.raises(NotConnected):
        chat.send_text("Hello?")
    with pytest.raises(PageNotFound, match="closed"):
        chat.mute()


async def test_a_recorder_is_finished_after_the_end():
    chat = VoiceChat(page=ScriptedPage())
    async with chat.record() as recorder:
        await chat.connect()
        chat.close()
    assert "stopped" in repr(recorder)


async def test_a_confirmation_that_cannot_come_any_more_is_not_an_error(chat, page, monkeypatch, caplog):
    monkeypatch.setattr("rtc_widget.comm.bridge.PAGE_SECONDS", 0.02)
    monkeypatch.setattr("rtc_widget.comm.bridge.REPLY_GRACE_SECONDS", 0.02)
    page.hello()
    chat.mute()
    chat.close()
    await asyncio.sleep(0.2)
    assert chat.error is None
    assert "mute" not in caplog.text


async def test_who_waits_for_a_page_hears_at_once_that_the_widget_was_closed(chat):
    connecting = asyncio.ensure_future(chat.connect())
    await settled()
    chat.close()
    with pytest.raises(WidgetClosed):
        await asyncio.wait_for(connecting, HANGS)


async def test_an_offer_that_was_on_its_way_makes_no_call(chat, page, signaling):
    page.hello()
    chat.close()
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    assert (await page.hears("reply"))["error"]["code"] == "cancelled"
    assert signaling.offers == []


async def test_a_call_that_the_page_has_just_made_itself_is_hung_up(chat, page, signaling):
    page.hello()
    chat.close()
    page.say("exchanged", attempt="a1", call_id="rtc_7")
    await eventually(lambda: signaling.hung_up == ["rtc_7"])


async def test_the_notification_of_new_events_is_not_a_request():
    page = ScriptedPage()
    chat = VoiceChat(page=page)
    page.hear(protocol.log_grew("p1", 3))
    assert page.heard("log_grew") == [{"type": "log_grew", "page": "p1", "next": 3}]
    chat.close()


def test_another_thread_writes_a_trait_only_after_this_one():
    """Outside of a loop, what the server reports is written by the thread that learns it."""
    chat = VoiceChat(page=ScriptedPage())
    threads, written = [], []

    def report(change):
        threads.append(Thread(target=chat._show_progress, args=("loading",)))
        threads[0].start()
        threads[0].join(0.1)
        written.append(chat.progress)

    chat.observe(report, "error")
    chat._write({"error": {"code": "x", "message": "x", "hint": ""}})
    assert written == [""]
    threads[0].join(HANGS)
    assert chat.progress == "loading"
    chat.close()
