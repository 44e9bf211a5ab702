"""Responses whose end, or whose beginning, the server has not reported."""

from __future__ import annotations

import asyncio

import pytest

from rtc_widget.errors import ResponseFailed, WaitTimeout
from rtc_widget.protocols.realtime import pending_responses, responses
from tests.limits import HANGS
from tests.unit.server_double import ASK, ITEM
from tests.unit.waiting import settled

ACTIVE = "conversation_already_has_active_response"
CANCEL, CLEAR = "response.cancel", "output_audio_buffer.clear"


@pytest.fixture
def timers(chat):
    """The functions that the queue wants to be called later, with the seconds."""
    calls = []
    chat._session._queue._later = lambda seconds, function: calls.append((seconds, function))
    return calls


async def test_a_response_that_is_never_done_blocks_no_later_question(chat, server, monkeypatch):
    monkeypatch.setattr(responses, "_SILENT_SECONDS", 0.02)
    await server.connect()
    await server.begins("lost")
    await server.says({"type": "output_audio_buffer.started", "response_id": "lost"})
    chat.send_text("And this?")
    await server.says({"type": "output_audio_buffer.stopped", "response_id": "lost"})
    await server.takes(ITEM, ASK)


async def test_a_question_waits_while_the_response_is_heard(chat, server, timers, monkeypatch):
    monkeypatch.setattr(responses, "_SILENT_SECONDS", 0.0)
    await server.connect()
    await server.begins("lost")
    await server.says({"type": "output_audio_buffer.started", "response_id": "lost"})
    chat.send_text("And this?")
    await server.takes(ITEM)
    seconds, look = timers[-1]
    assert 50 < seconds <= 60
    await server.says({"type": "output_audio_buffer.stopped", "response_id": "lost"})
    look()
    await server.takes(ASK)


async def test_news_of_the_response_make_the_question_wait(chat, server, timers):
    await server.connect()
    await server.begins("slow")
    chat.send_text("And this?")
    await server.takes(ITEM)
    for _ in range(3):
        await server.says({"type": "response.output_text.delta", "response_id": "slow", "item_id": "i", "delta": "x"})
        seconds, look = timers.pop()
        assert 4 < seconds <= 5
        look()
        assert await server.take() == []
    await server.ends("slow")
    await server.takes(ASK)


async def test_a_server_that_is_still_busy_is_asked_less_and_less_often(chat, server, timers, monkeypatch):
    monkeypatch.setattr(responses, "_SILENT_SECONDS", 1000.0)
    await server.connect()
    await server.begins("thinking")
    asking = asyncio.ensure_future(chat.ask("And this?", timeout=HANGS))
    await server.confirms(*await server.takes(ITEM))
    queue = chat._session._queue
    waits = []
    for _ in range(3):
        seconds, look = timers.pop()
        waits.append(round(seconds, -2))
        queue.responses._last_news -= 1e6
        look()
        [request] = await server.takes(ASK)
        await server.refuses(request, ACTIVE)
    assert waits == [1000, 2000, 4000]
    await server.ends("thinking")
    await server.takes(ASK)
    await server.answers("Yes.", "r2")
    assert (await asking).text == "Yes."


async def test_a_request_without_a_reply_blocks_no_later_question(chat, server, monkeypatch):
    monkeypatch.setattr(pending_responses, "LOST_SECONDS", 0.02)
    await server.connect()
    chat.send_text("one")
    chat.send_text("two")
    await server.takes(ITEM, ASK, ITEM)
    await server.takes(ASK)


async def test_the_error_says_that_the_response_has_not_begun(chat, server):
    await server.connect()
    with pytest.raises(WaitTimeout, match=r"the server has not begun it since it was requested \d+\.\d s ago"):
        await chat.ask("What is ICE?", timeout=0.02)


async def test_the_error_names_the_response_that_has_not_ended(chat, server):
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("What is ICE?", timeout=0.3))
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.begins("resp_7")
    with pytest.raises(WaitTimeout, match=r"response resp_7 began \d+\.\d s ago and has not ended; its last event"):
        await asking


async def test_the_error_names_the_response_that_blocks_the_question(chat, server):
    await server.connect()
    await server.begins("resp_1")
    with pytest.raises(WaitTimeout, match=r"it waits for another response, and response resp_1 began .* not ended"):
        await chat.ask("What is ICE?", timeout=0.02)


async def test_the_error_of_an_event_says_since_when_it_was_awaited(chat):
    with pytest.raises(WaitTimeout, match=r"No 'response\.done' event arrived within 0\.01 s, since \d\d:\d\d:\d\d"):
        await chat.wait_for("response.done", timeout=0.01)


async def test_a_response_is_interrupted_before_anything_came_back(chat, server):
    await server.connect()
    chat.send_text("Tell me a long story.")
    assert chat.interrupt() is True
    question, _, _, _ = await server.takes(ITEM, ASK, CANCEL, CLEAR)
    # This server had nothing to cancel yet.
    await server.confirms(question)
    await server.begins("story")
    cancel, _ = await server.takes(CANCEL, CLEAR)
    assert cancel["response_id"] == "story"
    await server.ends("story", status="cancelled")
    assert await server.take() == []


async def test_the_question_after_an_interruption_is_answered(chat, server):
    await server.connect()
    chat.send_text("Tell me a long story.")
    chat.interrupt()
    asking = asyncio.ensure_future(chat.ask("What is ICE?", timeout=HANGS))
    sent = await server.takes(ITEM, ASK, CANCEL, CLEAR, ITEM)
    await server.confirms(sent[0])
    await server.begins("story")
    await server.takes(CANCEL, CLEAR)
    await server.confirms(sent[4])
    await server.ends("story", status="cancelled")
    await server.takes(ASK)
    await server.answers("It finds a way.", "r2")
    assert (await asking).text == "It finds a way."
    assert await server.take() == []


async def test_a_question_that_waits_for_another_response_is_interrupted_with_it(chat, server):
    await server.connect()
    await server.begins("r1")
    asking = asyncio.ensure_future(chat.ask("Tell me a long story."))
    await server.takes(ITEM)
    assert chat.interrupt() is True
    await server.takes(CANCEL, CLEAR)
    with pytest.raises(ResponseFailed, match="interrupted before it began"):
        await asking
    await server.ends("r1", status="cancelled")
    assert await server.take() == []
    await settled()
    assert chat.interrupt() is False
