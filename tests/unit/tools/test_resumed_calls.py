"""A tool that ends after its call was lost: a call that resumes that one gets its output, and the model responds."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from rtc_widget import VoiceChat
from rtc_widget.testing import ScriptedPage
from rtc_widget.testing.scripted_server import ScriptedCall, ScriptedResponse
from tests.unit.conftest import ScriptedSignaling
from tests.unit.server_double import ASK, ITEM, UPDATE
from tests.unit.waiting import eventually, settled


class Call:
    """A call whose model has called a tool that runs until `end_tool`."""

    def __init__(self, chat: VoiceChat, page: ScriptedPage) -> None:
        self.chat = chat
        self.page = page
        self._may_end = threading.Event()
        self._taken = 0

    async def begin(self, tool: Callable[[], Any], **options: Any) -> None:
        self.chat.tool(**options)(tool)
        self.page.connect()
        self.page.will_call(tool.__name__)
        self.page.person_says("What is the weather?")
        await eventually(lambda: [one.status for one in self.chat.tools.calls] == ["running"])
        self.sent()

    def end_tool(self) -> None:
        self._may_end.set()

    def tool_waits(self) -> None:
        assert self._may_end.wait(300)

    async def tool_awaits(self) -> None:
        await eventually(self._may_end.is_set)

    async def tool_ended(self, status: str = "completed") -> None:
        self.end_tool()
        await eventually(lambda: self.chat.tools.calls[-1].status == status)
        await settled()

    def sent(self) -> list[dict[str, Any]]:
        """Return what was sent since the last time, without the tools of a new call."""
        events = [event for event in self.page.sent if event["type"] != UPDATE][self._taken :]
        self._taken += len(events)
        return events

    async def sends(self, *types: str) -> list[dict[str, Any]]:
        """Wait until events of exactly these types are sent, and return them."""
        events: list[dict[str, Any]] = []

        def are_sent() -> bool:
            events.extend(self.sent())
            return len(events) >= len(types)

        await eventually(are_sent)
        await settled()
        events += self.sent()
        assert [event["type"] for event in events] == list(types)
        return events

    async def carries(self, output: str) -> None:
        """Wait until the function call, this output and a request for a response are sent."""
        call, result, _ = await self.sends(ITEM, ITEM, ASK)
        assert (call["item"]["type"], call["item"]["name"], call["item"]["arguments"]) == (
            "function_call",
            "slow",
            "{}",
        )
        assert result["item"]["type"] == "function_call_output"
        assert result["item"]["output"] == output
        assert result["item"]["call_id"] == call["item"]["call_id"]


@pytest.fixture
async def call(signaling: ScriptedSignaling) -> AsyncIterator[Call]:
    page = ScriptedPage()
    chat = VoiceChat(signaling, page=page)
    made = Call(chat, page)
    yield made
    made.end_tool()
    chat.close()


def in_the_loop(call: Call) -> Callable[[], Awaitable[str]]:
    async def slow() -> str:
        await call.tool_awaits()
        return "sunny"

    return slow


def in_a_thread(call: Call) -> Callable[[], str]:
    def slow() -> str:
        call.tool_waits()
        return "sunny"

    return slow


async def test_the_output_of_an_async_tool_reaches_the_new_call_and_the_model_responds(call):
    await call.begin(in_the_loop(call))
    call.page.loses_connection()
    call.page.recovers()
    await settled()
    assert call.sent() == []
    call.page.will_say("It is sunny.")
    await call.tool_ended()
    await call.carries("sunny")
    assert call.chat.transcript[-1].text == "It is sunny."


async def test_the_output_of_a_tool_in_a_thread_reaches_the_new_call(call):
    await call.begin(in_a_thread(call), thread=True)
    call.page.loses_connection()
    call.page.recovers()
    await call.tool_ended()
    await call.carries("sunny")


async def test_the_exception_of_a_tool_reaches_the_new_call(call, caplog):
    async def slow() -> str:
        await call.tool_awaits()
        raise ValueError("No such city.")

    await call.begin(slow)
    call.page.loses_connection()
    call.page.recovers()
    await call.tool_ended("failed")
    await call.carries(json.dumps({"error": "ValueError: No such city."}))


async def test_an_output_waits_while_there_is_no_call(call):
    await call.begin(in_the_loop(call))
    call.page.disconnect()
    await call.tool_ended()
    assert call.sent() == []
    call.page.connect(resume=True)
    await call.carries("sunny")


async def test_an_output_reaches_a_call_after_several_resumptions(call):
    await call.begin(in_the_loop(call))
    for _ in range(3):
        call.page.loses_connection()
        call.page.recovers()
    await call.tool_ended()
    await call.carries("sunny")


async def test_an_output_that_was_carried_into_a_call_without_a_response_is_carried_on(call):
    await call.begin(in_the_loop(call))
    call.page.loses_connection()
    call.page.recovers()
    call.page.reacts(ASK, lambda event: None)
    await call.tool_ended()
    await call.carries("sunny")
    call.page.loses_connection()
    call.page.recovers()
    await call.sends(ASK)  # the page carries the function call and its output


@pytest.mark.parametrize("ends_before", [True, False])
async def test_a_call_that_resumes_nothing_does_not_get_the_output(call, ends_before):
    await call.begin(in_the_loop(call))
    call.page.disconnect()
    if ends_before:
        await call.tool_ended()
    call.page.connect()
    await call.tool_ended()
    call.page.disconnect()
    call.page.connect(resume=True)
    await settled()
    assert call.sent() == []


async def test_a_response_that_was_requested_just_before_the_loss_is_requested_again(call):
    await call.begin(in_the_loop(call))
    call.page.loses_connection()
    call.page.reacts(ASK, lambda event: None)
    await call.tool_ended()
    await call.sends(ITEM, ASK)
    call.page.recovers()
    await call.sends(ASK)  # the page carries the function call and its output


async def test_a_response_that_has_begun_is_not_requested_again(call):
    await call.begin(in_the_loop(call))
    call.page.will_say("It is sunny.")
    await call.tool_ended()
    await eventually(lambda: call.chat.transcript[-1].text == "It is sunny.")
    call.sent()
    call.page.loses_connection()
    call.page.recovers()
    await settled()
    assert call.sent() == []


async def test_tools_of_one_response_that_end_on_both_sides_of_a_loss_arrive_together(call):
    quick = asyncio.Event()

    async def slow(n: int) -> int:
        await (quick.wait() if n == 1 else call.tool_awaits())
        return n

    call.chat.tool(slow)
    call.page.connect()
    call.page.will_respond(ScriptedResponse(calls=(ScriptedCall("slow", {"n": 1}), ScriptedCall("slow", {"n": 2}))))
    call.page.person_says("Count.")
    await eventually(lambda: [one.status for one in call.chat.tools.calls] == ["running", "running"])
    quick.set()
    call.sent()
    call.page.loses_connection()
    call.page.recovers()
    call.end_tool()
    *items, _ = await call.sends(ITEM, ITEM, ITEM, ITEM, ASK)
    kinds = [(one["item"]["type"], one["item"].get("output")) for one in items]
    assert kinds == [
        ("function_call", None),
        ("function_call_output", "1"),
        ("function_call", None),
        ("function_call_output", "2"),
    ]
