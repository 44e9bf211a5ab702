"""Questions while an earlier response is still playing, interrupted or failed."""

from __future__ import annotations

import asyncio

import pytest

from rtc_widget import EventLog
from rtc_widget.errors import InvalidImage, ResponseFailed
from tests.unit.waiting import settled

ITEM, ASK = "conversation.item.create", "response.create"


def voice(state, response_id):
    return {"type": f"output_audio_buffer.{state}", "response_id": response_id}


async def test_an_answer_waits_for_its_turn_to_be_heard(chat, server, monkeypatch):
    monkeypatch.setattr("rtc_widget.calls.ask._VOICE_SECONDS", 0.02)
    await server.connect()
    first, second = asyncio.ensure_future(chat.ask("one")), asyncio.ensure_future(chat.ask("two"))
    sent = await server.takes(ITEM, ASK, ITEM)
    await server.confirms(sent[0])
    await server.says(voice("started", "r1"))
    await server.answers("1", "r1", kind="output_audio")
    await server.confirms(sent[2])
    await server.takes(ASK)
    # It is made while the first is still heard.
    await server.answers("2", "r2", kind="output_audio")
    await asyncio.sleep(0.06)
    assert not first.done()
    assert not second.done()
    await server.says(voice("stopped", "r1"), voice("started", "r2"))
    assert (await first).text == "1"
    await asyncio.sleep(0.04)
    assert not second.done()
    await server.says(voice("stopped", "r2"))
    turn = await second
    assert (turn.text, turn.start is not None, turn.end > turn.start) == ("2", True, True)


async def test_an_answer_whose_voice_never_comes_is_given_after_the_other_s(chat, server, monkeypatch):
    monkeypatch.setattr("rtc_widget.calls.ask._VOICE_SECONDS", 0.02)
    await server.connect()
    await server.says(voice("started", "r0"))
    asking = asyncio.ensure_future(chat.ask("one"))
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.answers("1", "r1", kind="output_audio")
    await asyncio.sleep(0.05)
    assert not asking.done()
    await server.says(voice("stopped", "r0"))
    assert (await asking).text == "1"


async def test_an_answer_interrupted_before_its_first_word_is_no_answer(chat, server):
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("What is ICE?"))
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.begins()
    item = {"id": "item_r1", "type": "message", "role": "assistant", "status": "incomplete", "content": []}
    await server.says({"type": "response.output_item.added", "response_id": "r1", "item": item})
    await server.ends("r1", item, status="cancelled")
    with pytest.raises(ResponseFailed, match="no text; its status is cancelled"):
        await asking


async def test_other_input_than_text_or_an_image_is_refused(chat, server):
    await server.connect()
    with pytest.raises(TypeError, match="got int"):
        await chat.ask(5)
    with pytest.raises(TypeError, match="got list"):
        chat.send_text(["hello"])
    with pytest.raises(InvalidImage, match="None"):
        chat.send_image(None, "What is this?")
    await settled()
    assert await server.take() == []


def test_only_whole_numbers_find_events():
    for odd in ("x", 1.5, None, (1, 2)):
        with pytest.raises(TypeError, match="integer"):
            EventLog()[odd]
