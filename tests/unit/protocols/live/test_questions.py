"""Questions in writing: the service has no event for them, and none that says when the voice is done."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from rtc_widget.errors import (
    EventRefused,
    InvalidImage,
    MessageTooLarge,
    NotConnected,
    ResponseFailed,
    WaitTimeout,
)
from rtc_widget.testing.scripted_server import ScriptedCall, ScriptedResponse
from tests.unit.protocols.live.conftest import types


def refusal(event):
    return {"type": "error", "error": {"code": None, "message": "No.", "client_event_id": event["event_id"]}}


async def test_the_backend_gets_a_question_and_the_voice_says_its_response(make, page):
    chat = make()
    await chat.connect()
    page.will_say("It is nine.")
    turn = await chat.ask("What is 4 + 5?")
    note, item, create = page.sent
    assert (note["type"], note["content"]) == ("session.thinking.append", "The user typed: What is 4 + 5?")
    assert note["delegation_id"] is None
    assert item["item"]["content"] == [{"type": "input_text", "text": "What is 4 + 5?"}]
    assert create == {"type": "response.create", "event_id": create["event_id"]}
    assert (turn.role, turn.text, turn.status) == ("assistant", "It is nine.", "completed")
    assert (turn.start, turn.end) == (1.4, 2.0)
    assert [(turn.role, turn.text) for turn in chat.transcript] == [
        ("user", "What is 4 + 5?"),
        ("assistant", "It is nine."),
    ]


async def test_without_a_backend_the_voice_is_asked_to_reply(make, page):
    chat = make(None)
    await chat.connect()
    page.will_say("It is nine.")
    assert (await chat.ask("What is 4 + 5?")).text == "It is nine."
    assert types(page) == ["session.thinking.append", "session.commentary.append"]
    assert [event["delegation_id"] for event in page.sent] == [None, None]


async def test_a_function_as_backend_gets_a_question_directly(make, page):
    asked = []
    chat = make(lambda text: asked.append(text) or "It is nine.")
    await chat.connect()
    assert (await chat.ask("What is 4 + 5?")).text == "It is nine."
    assert asked == ["What is 4 + 5?"]
    assert types(page) == ["session.thinking.append", "session.commentary.append"]


async def test_questions_are_answered_one_after_the_other(make, page):
    chat = make()
    await chat.connect()
    page.reacts("response.create", lambda event: None)
    first, second = asyncio.ensure_future(chat.ask("One?")), asyncio.ensure_future(chat.ask("Two?"))
    await page.settled()
    assert types(page).count("response.create") == 1, "a second request while one is open would be refused"
    del page._server.reactions["response.create"]
    page.will_say("First.")
    page.will_say("Second.")
    page.receives(*(step for step in page._server.next_response() if isinstance(step, dict)))
    nested = {"type": "response.created", "response": {"id": "r", "status": "in_progress"}}
    page.receives({"type": "response.event", "delegation_id": None, "event": nested})
    done = {"type": "response.completed", "response": {"id": "r", "status": "completed"}}
    page.receives({"type": "response.event", "delegation_id": None, "event": done})
    await page.settled()
    assert types(page).count("response.create") == 2
    assert (await second).text.endswith("Second.")
    await first


async def test_a_refused_question_ends_at_once(make, page):
    chat = make()
    await chat.connect()
    page.reacts("response.create", refusal)
    with pytest.raises(EventRefused, match=r"No\."):
        await chat.ask("Hello?", timeout=None)


@pytest.mark.parametrize("kind", ["session.thinking.append", "session.commentary.append"])
async def test_each_event_of_a_question_may_be_refused(make, page, kind):
    chat = make(None)
    await chat.connect()
    page.reacts(kind, refusal)
    with pytest.raises(EventRefused):
        await chat.ask("Hello?", timeout=None)


async def test_a_backend_that_fails_ends_the_question(make, page):
    chat = make()
    await chat.connect()
    page.will_fail("Out of luck.")
    with pytest.raises(ResponseFailed, match=r"Out of luck\."):
        await chat.ask("Hello?", timeout=None)


async def test_the_end_of_the_call_ends_the_question(make, page):
    chat = make()
    await chat.connect()
    page.reacts("response.create", lambda event: None)
    asking = asyncio.ensure_future(chat.ask("Hello?", timeout=None))
    await page.settled()
    page.server_hangs_up()
    with pytest.raises(NotConnected):
        await asking


async def test_a_question_that_takes_too_long_says_that_nothing_was_spoken(make, page, monkeypatch):
    monkeypatch.setattr("rtc_widget.protocols.live.clock._STANDS_SECONDS", 0.0)
    chat = make()
    await chat.connect()
    page.reacts("response.create", lambda event: None)
    with pytest.raises(WaitTimeout, match=r"nothing was spoken, and the backend has not begun.*receives no audio"):
        await chat.ask("Hello?", timeout=0.01)


async def test_the_voice_is_waited_for_while_the_backend_calls_functions(make, page):
    chat = make()
    called = asyncio.Event()

    @chat.tool
    async def roll(sides: int) -> int:
        "Roll a die."
        await called.wait()
        return sides

    await chat.connect()
    page.will_respond(ScriptedResponse(None, calls=(ScriptedCall("roll", {"sides": 6}),)))
    page.will_say("It shows six.")
    asking = asyncio.ensure_future(chat.ask("Roll a die."))
    await page.settled()
    assert not asking.done()
    called.set()
    assert (await asking).text == "It shows six."


async def test_a_text_is_sent_without_waiting(make, page):
    chat = make()
    await chat.connect()
    page.will_say("Hello.")
    event_id = chat.send_text("Hi")
    await page.settled()
    assert event_id == page.sent[0]["event_id"]
    assert [turn.text for turn in chat.transcript] == ["Hi", "Hello."]


async def test_a_text_for_the_voice_model_alone_has_a_limit(make, page):
    chat = make(None)
    await chat.connect()
    with pytest.raises(MessageTooLarge, match="at most 500 tokens"):
        chat.send_text("word " * 1_000)
    assert page.sent == []


async def test_a_long_question_is_shortened_for_the_voice_and_whole_for_the_backend(make, page):
    chat = make()
    await chat.connect()
    chat.send_text("word " * 1_000)
    await page.settled()
    note, item = page.sent[:2]
    assert len(note["content"]) < 1_600
    assert len(item["item"]["content"][0]["text"]) == 5_000
    assert chat.transcript[0].text == ("word " * 1_000).strip()


async def test_an_image_goes_to_the_backend_if_it_fits_into_its_queue(make, page):
    chat = make()
    await chat.connect()
    chat.send_image(np.random.default_rng(1).random((400, 400, 3)), "What is it?")
    await page.settled()
    item = page.sent[1]["item"]
    assert [part["type"] for part in item["content"]] == ["input_image", "input_text"]
    assert len(str(item)) < 32_768
    assert chat.transcript[0].text == "[image]\nWhat is it?"


async def test_the_voice_model_sees_no_images(make, page):
    chat = make(None)
    await chat.connect()
    with pytest.raises(InvalidImage, match="sees no images"):
        chat.send_image(np.zeros((4, 4)))
    assert page.sent == []


async def test_an_item_that_the_queue_does_not_take_is_refused_before_it_is_sent(make, page):
    chat = make()
    await chat.connect()
    with pytest.raises(MessageTooLarge, match="30000"):
        chat.send({"type": "response.item.create", "item": {"type": "message", "content": "x" * 33_000}})
    assert page.sent == []


async def test_what_is_sent_before_the_session_has_started_waits_for_it(make, page):
    chat = make(None)
    page._begin_session = lambda: []
    await chat.connect()
    chat.send_text("Hi")
    await page.settled()
    assert page.sent == []
    page.receives({"type": "session.started", "session": {"id": "live_1", "status": "active"}})
    await page.settled()
    assert types(page) == ["session.thinking.append", "session.commentary.append"]


async def test_what_waits_for_a_session_that_does_not_start_fails_with_the_call(make, page):
    chat = make(None)
    page._begin_session = lambda: []
    await chat.connect()
    asking = asyncio.ensure_future(chat.ask("Hi", timeout=None))
    await page.settled()
    page.server_hangs_up()
    with pytest.raises(NotConnected):
        await asking


# Failures that name nothing

UNNAMED = {"type": "error", "error": {"type": "server_error", "code": None, "message": "Responses handoff incomplete."}}


async def test_an_error_that_names_no_event_ends_the_question_and_not_the_next_one(make, page):
    chat = make()
    await chat.connect()
    page.reacts("response.create", lambda event: UNNAMED)
    with pytest.raises(EventRefused, match="handoff incomplete"):
        await chat.ask("One?", timeout=None)
    del page._server.reactions["response.create"]
    page.will_say("Two.")
    assert (await chat.ask("Two?", timeout=None)).text == "Two."


async def test_an_error_about_an_append_at_the_close_ends_no_question(make, page):
    chat = make()
    await chat.connect()
    page.reacts("response.create", lambda event: None)
    asking = asyncio.ensure_future(chat.ask("One?", timeout=None))
    await page.settled()
    page.receives({"type": "error", "error": {"code": "context_injection_incomplete", "message": "Closed."}})
    await page.settled()
    assert not asking.done()
    page.server_hangs_up()
    with pytest.raises(NotConnected):
        await asking


async def test_an_error_that_names_no_event_ends_what_was_handed_over(make, page):
    chat = make()
    await chat.connect()
    given = {"id": "item_1", "type": "delegation", "target": "responses", "response_id": "resp_9"}
    page.receives({"type": "session.delegation.created", "offset_ms": 0, "delegation": given})
    begun = {"type": "response.created", "response": {"id": "resp_9", "status": "in_progress"}}
    page.receives({"type": "response.event", "delegation_id": "item_1", "event": begun})
    page.receives(UNNAMED)
    await page.settled()
    assert [one.status for one in chat.delegations] == ["failed"]
    page.will_say("Two.")
    assert (await chat.ask("Two?", timeout=None)).text == "Two."


async def test_a_question_that_took_too_long_holds_up_no_other(make, page):
    chat = make()
    await chat.connect()
    page.reacts("response.create", lambda event: None)
    with pytest.raises(WaitTimeout):
        await chat.ask("One?", timeout=0.01)
    del page._server.reactions["response.create"]
    page.will_say("Two.")
    assert (await chat.ask("Two?", timeout=None)).text == "Two."


# Responses of others


def nested(kind, status, key=None, **named):
    error = {"code": "server_error", "message": "Out of luck."} if status == "failed" else None
    response = {"id": f"resp_{key}", "status": status, "error": error}
    return {"type": "response.event", "delegation_id": key, "event": {"type": kind, "response": response}, **named}


async def test_a_response_that_the_voice_has_asked_for_earlier_is_not_that_to_a_question(make, page):
    chat = make()
    await chat.connect()
    given = {"id": "item_1", "type": "delegation", "target": "responses", "response_id": "resp_item_1"}
    page.receives({"type": "session.delegation.created", "offset_ms": 0, "delegation": given})
    page.reacts("response.create", lambda event: None)
    asking = asyncio.ensure_future(chat.ask("One?", timeout=None))
    await page.settled()
    page.receives(nested("response.created", "in_progress", "item_1"), nested("response.failed", "failed", "item_1"))
    await page.settled()
    assert not asking.done()
    page.receives(nested("response.created", "in_progress"), nested("response.failed", "failed"))
    with pytest.raises(ResponseFailed, match=r"Out of luck\."):
        await asking


async def test_a_response_belongs_to_the_event_that_it_names(make, page):
    chat = make()
    await chat.connect()
    page.reacts("response.create", lambda event: None)
    asking = asyncio.ensure_future(chat.ask("One?", timeout=None))
    await page.settled()
    page.receives(
        nested("response.created", "in_progress", client_event_id="another"), nested("response.failed", "failed")
    )
    await page.settled()
    assert not asking.done()
    mine = page.sent[-1]["event_id"]
    page.receives(nested("response.created", "in_progress", client_event_id=mine), nested("response.failed", "failed"))
    with pytest.raises(ResponseFailed, match=r"Out of luck\."):
        await asking
