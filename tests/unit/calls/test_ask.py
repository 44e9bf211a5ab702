"""Questions to the model: one response at a time, and only as many requests as needed."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from rtc_widget.calls.recorder import CallRecorder
from rtc_widget.errors import EventRefused, NotConnected, ResponseFailed, WaitTimeout
from tests.unit.server_double import ASK, ITEM
from tests.unit.waiting import settled

ACTIVE = "conversation_already_has_active_response"


async def test_a_question_and_its_answer(chat, server):
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("What is ICE?"))
    question, _ = await server.takes(ITEM, ASK)
    assert question["item"]["content"] == [{"type": "input_text", "text": "What is ICE?"}]
    await server.confirms(question)
    await server.answers("It finds a way.")
    turn = await asking
    assert (turn.role, turn.text, turn.status, turn.response_id) == ("assistant", "It finds a way.", "completed", "r1")


async def test_an_answer_is_finished_when_it_has_been_spoken(chat, server):
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("What is ICE?"))
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.says({"type": "output_audio_buffer.started", "response_id": "r1"})
    await server.answers("It finds a way.", kind="output_audio")
    await settled()
    assert not asking.done()
    await server.says({"type": "output_audio_buffer.stopped", "response_id": "r1"})
    turn = await asking
    assert turn.start is not None
    assert turn.end > turn.start


async def test_an_answer_that_waits_behind_another_voice_is_waited_for(chat, server, monkeypatch):
    monkeypatch.setattr("rtc_widget.calls.ask._VOICE_SECONDS", 0.02)

    def voice(what, response_id):
        return {"type": f"output_audio_buffer.{what}", "response_id": response_id}

    await server.connect()
    asking = asyncio.ensure_future(chat.ask("one"))
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.says(voice("started", "r1"))
    await server.answers("A long answer.", "r1", kind="output_audio")
    second = asyncio.ensure_future(chat.ask("two"))
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.answers("Short.", "r2", kind="output_audio")
    await asyncio.sleep(0.1)
    assert not second.done()
    await server.says(voice("stopped", "r1"), voice("started", "r2"))
    assert (await asking).text == "A long answer."
    await asyncio.sleep(0.1)
    assert not second.done()
    await server.says(voice("stopped", "r2"))
    assert (await second).text == "Short."


@pytest.mark.parametrize("heard", [True, False])
async def test_a_response_without_audio_has_no_audio_of_another(chat, server, monkeypatch, heard):
    monkeypatch.setattr("rtc_widget.calls.ask._VOICE_SECONDS", 0.1)
    monkeypatch.setattr(chat._recorder, "flush", lambda timeout: asyncio.sleep(0))
    sound = SimpleNamespace(start=0.0, assistant=SimpleNamespace(between=lambda start, end: "sound"))
    monkeypatch.setattr(CallRecorder, "recording", sound)
    await server.connect()
    other = "r1" if heard else "r0"
    await server.says({"type": "output_audio_buffer.started", "response_id": other})
    asking = asyncio.ensure_future(chat.ask("one"))
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.answers("Short.", "r1", kind="output_audio")
    await server.says({"type": "output_audio_buffer.stopped", "response_id": other})
    turn = await asking
    assert (turn.text, turn.audio) == ("Short.", "sound" if heard else None)


async def test_the_words_can_be_had_before_they_are_spoken(chat, server):
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("What is ICE?", until_spoken=False))
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.says({"type": "output_audio_buffer.started", "response_id": "r1"})
    await server.answers("It finds a way.", kind="output_audio")
    assert (await asking).text == "It finds a way."


async def test_an_answer_whose_end_came_together_with_the_end_of_the_call_is_there(chat, server, page):
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("What is ICE?", until_spoken=False))
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.begins("r1")
    item = {"id": "item_1", "type": "message", "role": "assistant", "status": "completed"}
    content = [{"type": "output_text", "text": "It finds a way."}]
    page.events({"type": "response.output_item.added", "response_id": "r1", "item": item | {"content": []}})
    response = {"id": "r1", "status": "completed", "output": [item | {"content": content}]}
    page.events({"type": "response.done", "response": response})
    page.state("a1", status="idle")
    assert (await asking).text == "It finds a way."


async def test_audio_that_the_server_does_not_report_is_not_awaited(chat, server, monkeypatch):
    monkeypatch.setattr("rtc_widget.calls.ask._VOICE_SECONDS", 0.02)
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("What is ICE?"))
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.answers("It finds a way.", kind="output_audio")
    assert (await asking).text == "It finds a way."


async def test_a_second_question_waits_for_its_turn(chat, server):
    await server.connect()
    chat.send_text("one")
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.begins("r1")
    chat.send_text("two")
    await server.confirms(*await server.takes(ITEM))
    await server.ends("r1")
    await server.takes(ASK)
    await server.begins("r2")
    await server.ends("r2")
    assert await server.take() == []


async def test_two_questions_in_one_breath_are_asked_for_once_and_then_once_more(chat, server):
    await server.connect()
    first, second = asyncio.ensure_future(chat.ask("one")), asyncio.ensure_future(chat.ask("two"))
    sent = await server.takes(ITEM, ASK, ITEM)
    await server.confirms(sent[0])
    await server.answers("1", "r1")
    await server.confirms(sent[2])
    await server.takes(ASK)
    await server.answers("2", "r2")
    assert [(await first).text, (await second).text] == ["1", "2"]


async def test_a_response_that_a_person_s_words_brought_about_answers_the_question_as_well(chat, server):
    await server.connect()
    await server.begins("spoken")
    asking = asyncio.ensure_future(chat.ask("And this?"))
    await server.confirms(*await server.takes(ITEM))
    # The person goes on speaking: the server ends its response and begins another, which knows the question.
    await server.says({"type": "response.done", "response": {"id": "spoken", "status": "cancelled", "output": []}})
    [request] = await server.takes(ASK)
    await server.answers("Both.", "r2")
    await server.refuses(request, ACTIVE)
    assert (await asking).text == "Both."
    assert await server.take() == []


async def test_a_refused_request_is_made_again_when_the_other_response_is_done(chat, server):
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("What is ICE?"))
    question, request = await server.takes(ITEM, ASK)
    # This one was begun before the server knew the question.
    await server.begins("other")
    await server.confirms(question)
    await server.refuses(request, ACTIVE)
    await server.ends("other")
    await server.takes(ASK)
    await server.answers("It finds a way.", "r2")
    assert (await asking).text == "It finds a way."


async def test_the_text_box_of_the_page_gets_its_answer_too(chat, server):
    await server.connect()
    await server.begins("r1")
    server.page.events({"type": ASK}, direction="sent")
    await server.says({"type": "error", "error": {"code": ACTIVE, "message": "Busy.", "event_id": None}})
    await server.ends("r1")
    await server.takes(ASK)


async def test_a_response_beside_the_conversation_holds_up_nothing(chat, server):
    await server.connect()
    chat.send({"type": ASK, "response": {"conversation": "none"}})
    await server.takes(ASK)
    await server.begins("beside", conversation_id=None)
    chat.send_text("one")
    await server.takes(ITEM, ASK)


async def test_a_failed_answer_is_raised_with_the_server_s_words(chat, server):
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("What is ICE?"))
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.begins()
    details = {"type": "failed", "error": {"message": "The model is tired."}}
    await server.ends("r1", status="failed", status_details=details)
    with pytest.raises(ResponseFailed, match="The model is tired"):
        await asking


async def test_an_answer_without_words_is_no_answer(chat, server):
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("What is ICE?"))
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.begins()
    await server.ends("r1", status="cancelled")
    with pytest.raises(ResponseFailed, match="no text; its status is cancelled"):
        await asking


@pytest.mark.parametrize("which", [0, 1])
async def test_a_refused_question_is_raised(chat, server, which):
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("What is ICE?"))
    await server.refuses((await server.takes(ITEM, ASK))[which], message="Not that.")
    with pytest.raises(EventRefused, match="Not that") as caught:
        await asking
    assert caught.value.server_code == "invalid_value"


async def test_an_answer_that_does_not_come_in_time_is_given_up(chat, server):
    await server.connect()
    with pytest.raises(WaitTimeout, match="did not end within"):
        await chat.ask("What is ICE?", timeout=0.02)


async def test_the_end_of_the_call_ends_the_waiting(chat, server, page):
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("What is ICE?"))
    await server.takes(ITEM, ASK)
    page.state("a1", status="idle")
    with pytest.raises(NotConnected, match="call ended"):
        await asking


async def test_a_question_asked_before_the_first_event_of_its_call_is_answered(chat, server, page):
    page.hello()
    page.connected()
    await settled()
    asking = asyncio.ensure_future(chat.ask("What is ICE?"))
    sent = await server.takes(ITEM, ASK)
    await server.says({"type": "session.created", "session": {}})
    await server.confirms(*sent)
    await server.answers("It finds a way.")
    assert (await asking).text == "It finds a way."


async def test_a_question_that_the_page_cannot_send_is_raised(chat, server, page):
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("x"))
    await page.reply("send", error={"code": "message_too_large", "message": "Too large.", "hint": ""})
    with pytest.raises(Exception, match="Too large"):
        await asking


async def test_the_user_is_not_asked_without_a_call(chat):
    with pytest.raises(NotConnected):
        await chat.ask("What is ICE?")
    with pytest.raises(NotConnected):
        chat.interrupt()


async def test_interrupting_stops_what_is_made_and_what_is_heard(chat, server):
    await server.connect()
    assert chat.interrupt() is False
    await server.begins("r1")
    await server.says({"type": "output_audio_buffer.started", "response_id": "r1"})
    assert chat.interrupt() is True
    await server.takes("response.cancel", "output_audio_buffer.clear")
    await server.ends("r1", status="cancelled")
    assert chat.interrupt() is True
    await server.takes("output_audio_buffer.clear")
    await server.says({"type": "output_audio_buffer.cleared", "response_id": "r1"})
    assert chat.interrupt() is False


async def test_a_question_may_interrupt_the_voice(chat, server):
    await server.connect()
    await server.begins("r1")
    await server.says({"type": "output_audio_buffer.started", "response_id": "r1"})
    asking = asyncio.ensure_future(chat.ask("Wait!", interrupt=True))
    first, second, *_ = await server.takes("response.cancel", "output_audio_buffer.clear", "conversation.item.create")
    assert [first["type"], second["type"]] == ["response.cancel", "output_audio_buffer.clear"]
    asking.cancel()


async def test_a_server_that_confirms_no_items_is_understood(chat, server):
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("What is ICE?"))
    await server.takes(ITEM, ASK)
    await server.answers("It finds a way.")
    assert (await asking).text == "It finds a way."
    asking = asyncio.ensure_future(chat.ask("And STUN?"))
    await server.takes(ITEM, ASK)
    await server.answers("It finds an address.", "r2")
    assert (await asking).text == "It finds an address."


async def test_a_complete_response_is_returned_without_its_audio(chat, server, monkeypatch):
    async def slow(self, turn):
        await asyncio.sleep(1.5)

    monkeypatch.setattr("rtc_widget.calls.ask.Asker._audio_of", slow)
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("What is ICE?", timeout=1.2))
    await server.confirms(*await server.takes(ITEM, ASK))
    assert chat.is_recording
    await server.answers("It finds a way.")
    assert (await asking).text == "It finds a way."
    assert not chat.is_recording


async def test_a_response_without_audio_records_nothing(chat, server):
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("What is ICE?", audio=False))
    await server.confirms(*await server.takes(ITEM, ASK))
    assert not chat.is_recording
    await server.answers("It finds a way.")
    assert (await asking).audio is None
