"""Requests to a server that is busy with a response that it has not reported."""

from __future__ import annotations

import asyncio
import time

import pytest

from rtc_widget.errors import EventRefused
from tests.limits import HANGS
from tests.unit.waiting import settled

ACTIVE = "conversation_already_has_active_response"
ITEM, ASK = "conversation.item.create", "response.create"


@pytest.fixture
def pauses(monkeypatch):
    def become(*seconds: float) -> None:
        monkeypatch.setattr("rtc_widget.protocols.realtime.response_queue._PAUSES", seconds)

    return become


async def ask_and_be_refused(chat, server) -> asyncio.Task:
    asking = asyncio.ensure_future(chat.ask("What is ICE?", timeout=HANGS))
    question, request = await server.takes(ITEM, ASK)
    await server.confirms(question)
    await server.refuses(request, ACTIVE, "Busy.")
    return asking


async def test_it_is_not_asked_again_at_once(chat, server, pauses):
    pauses(60)  # a busy machine may take longer than the default
    await server.connect()
    asking = await ask_and_be_refused(chat, server)
    await asyncio.sleep(0.05)
    assert await server.take() == []
    asking.cancel()


async def test_it_is_asked_again_when_any_response_is_done(chat, server, pauses):
    pauses(60)
    await server.connect()
    asking = await ask_and_be_refused(chat, server)
    await server.ends("nobody_knows_it")
    await server.takes(ASK)
    await server.answers("It finds a way.")
    assert (await asking).text == "It finds a way."


async def test_it_is_asked_again_after_a_pause(chat, server, pauses):
    pauses(0.05)
    await server.connect()
    began = time.monotonic()
    asking = await ask_and_be_refused(chat, server)
    await server.takes(ASK)
    assert time.monotonic() - began >= 0.05
    await server.answers("It finds a way.")
    assert (await asking).text == "It finds a way."


async def test_after_some_refusals_the_questions_fail_and_the_next_one_works(chat, server, pauses):
    pauses(60, 60)
    timers = []
    chat._session._queue._later = lambda seconds, function: timers.append(function)
    await server.connect()
    asking = await ask_and_be_refused(chat, server)
    another = asyncio.ensure_future(chat.ask("And DTLS?", timeout=HANGS))
    await server.confirms(*await server.takes(ITEM))
    for _ in range(2):
        timers.pop()()
        [request] = await server.takes(ASK)
        await server.refuses(request, ACTIVE, "Busy.")
    for failed in (asking, another):
        with pytest.raises(EventRefused, match=r"is active that it has not reported\. Busy\.") as caught:
            await failed
        assert caught.value.server_code == ACTIVE
    assert timers == []
    assert await server.take() == []

    third = asyncio.ensure_future(chat.ask("Are you there?"))
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.answers("Now I am.")
    assert (await third).text == "Now I am."


async def test_what_is_asked_meanwhile_waits_as_well(chat, server, pauses):
    pauses(60)
    await server.connect()
    first = await ask_and_be_refused(chat, server)
    second = asyncio.ensure_future(chat.ask("And DTLS?"))
    await server.confirms(*await server.takes(ITEM))
    await server.ends("nobody_knows_it")
    await server.takes(ASK)
    await server.answers("Both.")
    assert [(await first).text, (await second).text] == ["Both.", "Both."]


async def test_a_refusal_without_a_name_is_of_the_request_that_is_under_way(chat, server, pauses):
    pauses(60)
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("What is ICE?"))
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.says({"type": "error", "error": {"code": ACTIVE, "message": "Busy.", "event_id": None}})
    await server.ends("nobody_knows_it")
    await server.takes(ASK)
    await server.answers("It finds a way.")
    assert (await asking).text == "It finds a way."


async def test_the_end_of_the_call_ends_the_pause(chat, server, page, pauses):
    pauses(60)
    timers = []
    chat._session._queue._later = lambda seconds, function: timers.append(function)
    await server.connect()
    asking = await ask_and_be_refused(chat, server)
    page.state("a1", status="idle")
    await asyncio.gather(asking, return_exceptions=True)
    await server.connect("a2")
    [over] = timers
    over()
    await settled()
    assert await server.take() == []
