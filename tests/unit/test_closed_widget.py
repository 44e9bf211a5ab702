"""A widget that was closed makes no calls: nobody could see them."""

from __future__ import annotations

import pytest

from rtc_widget import VoiceChat, protocol
from rtc_widget.errors import NotConnected, PageNotFound
from rtc_widget.testing import ScriptedPage


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


async def test_the_news_that_the_log_has_grown_is_no_request():
    page = ScriptedPage()
    chat = VoiceChat(page=page)
    page.hear(protocol.grown("p1", 3))
    assert page.heard("grown") == [{"type": "grown", "page": "p1", "next": 3}]
    chat.close()
