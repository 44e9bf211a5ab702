"""The queue of the service takes 32,768 bytes of items; beyond that every later response fails."""

from __future__ import annotations

import json

import pytest

from rtc_widget.errors import MessageTooLarge
from rtc_widget.protocols.live.client_events import function_outputs
from rtc_widget.protocols.live.input_queue import MAX_ITEM_BYTES, fitted
from rtc_widget.testing.scripted_server import ScriptedCall, ScriptedResponse
from tests.limits import eventually
from tests.unit.protocols.live.conftest import types


def size(items):
    return sum(len(json.dumps(item, ensure_ascii=False).encode()) for item in items)


def message(letters):
    content = [{"type": "input_text", "text": "x" * letters}]
    return {"type": "response.item.create", "item": {"type": "message", "role": "user", "content": content}}


@pytest.mark.parametrize("text", ['"\n' * 20_000, "é" * 40_000, "x" * 40_000, "\ud83d" * 40_000])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("room", [MAX_ITEM_BYTES, 2_768])
def test_outputs_fit_as_json_with_their_items(text, count, room):
    cut = fitted({f"call_{number}": text for number in range(count)}, room)
    sent = size(function_outputs(cut))
    assert room - 20 * count < sent <= room, "as much as the room takes, and not more"
    assert all(output.endswith("only the beginning could be sent.]") for output in cut.values())


async def test_an_output_of_quotes_and_newlines_is_taken_by_the_service(make, page):
    chat = make()

    @chat.tool
    def read() -> str:
        "Read a file."
        return '"\n' * 14_000

    await chat.connect()
    page.will_respond(ScriptedResponse(None, calls=(ScriptedCall("read", {}),)))
    page.will_say("It is long.")
    page.person_says("Read it")
    await eventually(lambda: "response.create" in types(page))
    await page.settled()
    assert len(chat.events.of("error")) == 0
    assert size([page.sent[0]["item"]]) <= MAX_ITEM_BYTES


async def test_a_second_message_that_does_not_fit_beside_the_first_is_refused(make, page):
    chat = make()
    await chat.connect()
    item = chat._messages.item("x" * 20_000)
    chat._session.add(item)
    with pytest.raises(MessageTooLarge, match=r"at most 30000 bytes.* wait already"):
        chat._session.add(item)
    assert types(page) == ["response.item.create"]
    page.will_say("Two.")
    await chat.ask("And?")
    chat._session.add(item)  # the response has taken what waited
    await page.settled()
    assert types(page).count("response.item.create") == 3


async def test_what_others_have_sent_counts_too(make, page):
    chat = make()
    await chat.connect()
    chat.send(message(20_000))
    await page.settled()
    with pytest.raises(MessageTooLarge):
        chat.send_text("x" * 20_000)
    chat.send({"type": "response.create"})
    await page.settled()
    chat.send_text("x" * 20_000)
    await page.settled()
    assert types(page).count("response.create") == 2


async def test_an_output_has_the_room_that_messages_leave(make, page):
    chat = make()

    @chat.tool
    def read() -> str:
        "Read a file."
        return "x" * 30_000

    await chat.connect()
    chat.send(message(29_000))
    page.will_respond(ScriptedResponse(None, calls=(ScriptedCall("read", {}),)))
    page.will_say("It is long.")
    page.person_says("Read it")
    await eventually(lambda: "response.create" in types(page))
    await page.settled()
    assert len(chat.events.of("error")) == 0
    assert 3_000 < size([page.sent[1]["item"]]) < 4_000


async def test_what_the_protocol_does_not_take_does_not_leave_the_kernel(make, page):
    chat = make()
    await chat.connect()
    with pytest.raises(MessageTooLarge, match="30000"):
        chat._sender.send([message(33_000)])
    assert page.sent == []
