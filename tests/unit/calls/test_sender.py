"""Sent events: checked in the cell, confirmed by the page."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from rtc_widget.calls.sender import MAX_UNCONFIRMED
from rtc_widget.comm import bridge
from rtc_widget.errors import MessageTooLarge, NotConnected, PageNotFound, SendQueueFull, WidgetClosed
from tests.limits import HANGS
from tests.unit.waiting import eventually, settled


async def test_sending_before_the_channel_is_open_raises(chat, page):
    page.hello()
    with pytest.raises(NotConnected, match="data channel is closed"):
        chat.send({"type": "response.create"})
    assert page.heard("send") == []


async def test_an_event_is_sent_as_it_is_with_an_id(chat, page):
    page.hello()
    page.connected()
    await settled()
    event_id = chat.send({"type": "session.update", "session": {"instructions": "Höflich."}})
    [message] = page.heard("send")
    [text] = message["events"]
    assert '"Höflich."' in text
    assert event_id in text
    assert chat.send({"type": "response.create", "event_id": "mine"}) == "mine"


@pytest.mark.parametrize("event", [{}, {"type": 7}, {"event_id": "x"}])
async def test_an_invalid_event_is_not_sent(chat, page, event):
    page.hello()
    page.connected()
    await settled()
    with pytest.raises(ValueError, match="must have a 'type'"):
        chat.send(event)


async def test_a_value_without_json_is_not_sent(chat, page):
    page.hello()
    page.connected()
    await settled()
    with pytest.raises(TypeError, match="cannot be written as JSON"):
        chat.send({"type": "response.create", "response": object()})
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        chat.send({"type": "response.create", "x": float("nan")})


async def test_a_flood_is_refused_in_the_cell_until_the_page_has_confirmed(chat, page):
    page.hello()
    page.connected()
    await settled()
    for number in range(MAX_UNCONFIRMED):
        chat.send({"type": "test.flood", "number": number})
    with pytest.raises(SendQueueFull, match="has not confirmed the last 5000 events") as refused:
        chat.send({"type": "test.flood"})
    assert "await" in refused.value.hint
    assert len(page.heard("send")) == MAX_UNCONFIRMED
    await page.reply("send")
    chat.send({"type": "test.flood"})
    with pytest.raises(SendQueueFull):
        chat.send({"type": "test.flood"})
    assert chat.status == "connected"


async def test_text_becomes_an_item_and_asks_for_an_answer(chat, page):
    page.hello()
    page.connected()
    await settled()
    chat.send_text("What is ICE?")
    [message] = page.heard("send")
    assert [text.split('"type": "')[1].split('"')[0] for text in message["events"]] == [
        "conversation.item.create",
        "response.create",
    ]
    with pytest.raises(ValueError, match="must not be empty"):
        chat.send_text("  ")


async def test_what_is_too_large_for_the_channel_or_no_event_is_refused_at_once(chat, page):
    page.hello()
    page.state("a1", status="connected", data_channel_state="open", max_message_size=1_000)
    await settled()
    for send in (chat.send_text, lambda text: chat.send({"type": "x", "text": text})):
        with pytest.raises(MessageTooLarge, match="more than the 1000"):
            send("ö" * 500)
    with pytest.raises(MessageTooLarge, match="more than the 1000"):
        chat.send({"type": "x", "text": "o" * 960})  # with the id that it is sent with
    with pytest.raises(TypeError, match="send_text"):
        chat.send("hi")
    assert page.heard("send") == []
    for length in range(700, 900):
        with contextlib.suppress(MessageTooLarge):
            chat.send_text("o" * length)
    sizes = [len(text.encode()) for message in page.heard("send") for text in message["events"]]
    assert max(sizes) == 1_000


async def test_a_closed_widget_says_so_at_once(chat, page):
    page.hello()
    page.connected()
    await settled()
    asked = asyncio.ensure_future(chat.devices())
    await settled()
    chat.close()
    for refused in (asked, chat.connect(), chat.devices()):
        with pytest.raises(WidgetClosed, match="Create a new"):
            await asyncio.wait_for(refused, HANGS)
    with pytest.raises(WidgetClosed):
        chat.mute()
    with pytest.raises(NotConnected):
        chat.send_text("hello")
    await chat.disconnect()


async def test_a_send_that_the_page_refuses_shows_as_an_error(chat, page):
    page.hello()
    page.connected()
    await settled()
    chat.send_text("hello")
    await page.reply("send", error={"code": "message_too_large", "message": "Too large.", "hint": ""})
    await settled()
    assert chat.error["code"] == "message_too_large"


async def test_a_send_without_a_confirmation_shows_as_an_error(chat, page, monkeypatch):
    monkeypatch.setattr(bridge, "PAGE_SECONDS", 0.02)
    monkeypatch.setattr(bridge, "REPLY_GRACE_SECONDS", 0.02)
    page.hello()
    page.connected()
    await settled()
    chat.send_text("hello")
    await eventually(lambda: chat.error is not None)
    assert chat.error["code"] == "page_timeout"


async def test_mute_is_asked_of_the_page_and_comes_back_as_a_trait(chat, page):
    with pytest.raises(PageNotFound):
        chat.mute()
    page.hello()
    chat.mute()
    assert page.heard("mute")[-1]["muted"] is True
    page.state(None, muted=True)
    await settled()
    assert chat.muted is True
    chat.unmute()
    assert page.heard("mute")[-1]["muted"] is False
