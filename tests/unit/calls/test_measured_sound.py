"""The assistant's sound as the page measures it, for servers that do not report when they play a response."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rtc_widget import VoiceChat
from rtc_widget.testing import ScriptedPage
from tests.unit.waiting import settled

CREATED = {"type": "response.created", "response": {"id": "r1"}}
TEXT = " ".join(f"word{number}" for number in range(100))


def done(status: str = "completed") -> dict[str, Any]:
    """Return the end of a response of 20 s."""
    content = [{"type": "output_audio", "transcript": TEXT}]
    output = [{"id": "m1", "type": "message", "role": "assistant", "status": "completed", "content": content}]
    usage = {"output_token_details": {"audio_tokens": 400}}
    return {"type": "response.done", "response": {"id": "r1", "status": status, "output": output, "usage": usage}}


async def called() -> tuple[VoiceChat, ScriptedPage]:
    page = ScriptedPage()
    chat = VoiceChat(page=page)
    await chat.connect()
    return chat, page


async def test_speaking_follows_the_sound_and_the_log_has_no_trace_of_it():
    chat, page = await called()
    page.receives(CREATED)
    page.measures_sound(True)
    await settled()
    assert chat.assistant_speaking
    page.receives(done())
    await settled()
    before = [event.type for event in chat.events]
    page.measures_sound(False)
    await settled()
    assert not chat.assistant_speaking
    assert [event.type for event in chat.events] == before
    assert not any("output_audio_buffer" in type for type in before)
    chat.close()


async def test_the_latency_of_the_first_sound_is_measured_and_says_so():
    chat, page = await called()
    page.receives({"type": "input_audio_buffer.speech_started", "item_id": "u1"})
    page.receives({"type": "input_audio_buffer.speech_stopped", "item_id": "u1"})
    stopped_ms = page.now_ms
    page.receives(CREATED)
    page.passes(0.8)
    page.measures_sound(True)
    sound_ms = page.now_ms
    page.receives(done())
    await settled()
    [turn] = chat.latency()
    assert turn.first_audio == pytest.approx((sound_ms - stopped_ms) / 1000, abs=0.002)
    assert turn.is_measured
    assert chat.latency().to_pandas().is_measured.tolist() == [True]
    chat.close()


async def test_a_response_that_was_cancelled_was_heard_until_its_sound_ended():
    chat, page = await called()
    page.receives(CREATED)
    page.measures_sound(True)
    page.passes(3.0)
    page.receives(done("cancelled"))
    page.measures_sound(False)
    await settled()
    [turn] = chat.transcript
    assert turn.interrupted
    assert turn.heard == " ".join(TEXT.split()[:16])
    chat.close()


async def test_ask_waits_until_the_response_is_not_heard_any_more():
    chat, page = await called()
    page.reacts("response.create", lambda event: [CREATED, done()])
    asked = asyncio.create_task(chat.ask("Tell me a story."))
    await settled()
    page.measures_sound(True)
    await settled()
    assert not asked.done()
    page.measures_sound(False)
    assert (await asked).text == TEXT
    chat.close()


async def test_the_sound_of_an_earlier_call_is_ignored():
    chat, page = await called()
    page.receives(CREATED)
    page.say("sound", attempt="another", speaker="assistant", is_audible=True, at_ms=page.now_ms)
    await settled()
    assert not chat.assistant_speaking
    chat.close()
