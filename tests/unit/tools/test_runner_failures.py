"""A tool fails, gets wrong arguments or times out: the model gets a short text, the user the whole error."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Annotated

import pytest

from tests.unit.server_double import ASK, ITEM, call
from tests.unit.tools.tool_calls import calls, get_weather


async def test_a_tool_that_fails_tells_the_model_a_word_and_the_user_everything(chat, server, page, caplog):
    @chat.tool
    def divide(a: int, b: int) -> float:
        return a / b

    await server.connect(tools=[{"name": "divide"}])
    await calls(server, call("divide", '{"a": 1, "b": 0}'))
    output, _ = await server.takes(ITEM, ASK)
    assert json.loads(output["item"]["output"]) == {"error": "ZeroDivisionError: division by zero"}
    [record] = chat.tools.calls
    assert record.status == "failed"
    assert record.error.__traceback__ is not None
    [failure] = chat.errors
    assert str(failure) == "divide(a=1, b=0) failed: ZeroDivisionError: division by zero"
    assert "return a / b" in caplog.text
    note = await page.hears("note")
    assert (note["code"], note["message"]) == ("tool_failed", str(failure))


async def test_a_long_error_is_shortened(chat, server, caplog):
    @chat.tool
    def fails() -> None:
        raise ValueError("x" * 5000 + "\nand a second line")

    await server.connect(tools=[{"name": "fails"}])
    await calls(server, call("fails"))
    output, _ = await server.takes(ITEM, ASK)
    assert len(output["item"]["output"]) < 350
    assert "second line" not in output["item"]["output"]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (call("get_weather", '{"town": "Paris"}'), "Invalid arguments: city: Field required"),
        (call("get_weather", "{"), "Invalid arguments: The arguments are not valid JSON"),
        (call("fly"), "Unknown tool 'fly'."),
    ],
)
async def test_an_invalid_call_gets_an_error(chat, server, made, words):
    chat.tool(get_weather)
    await server.connect(tools=[{"name": "get_weather"}])
    await calls(server, made)
    output, _ = await server.takes(ITEM, ASK)
    assert words in json.loads(output["item"]["output"])["error"]
    assert chat.tools.calls[-1].status == "failed"
    assert chat.errors == [], "no fault of the user's"


@pytest.mark.parametrize("thread", [False, True])
async def test_a_tool_that_takes_too_long_is_given_up(chat, server, thread, caplog):
    released = threading.Event()
    if thread:

        @chat.tool(thread=True, timeout=0.05)
        def slow() -> None:
            released.wait(5)
    else:

        @chat.tool(timeout=0.05)
        async def slow() -> None:
            await asyncio.sleep(60)

    await server.connect(tools=[{"name": "slow"}])
    await calls(server, call("slow"))
    output, _ = await server.takes(ITEM, ASK)
    released.set()
    assert "took longer than 0.05 s" in output["item"]["output"]
    assert chat.tools.calls[-1].status == "timed_out"


async def test_a_tool_s_own_timeout_error_is_its_own(chat, server, caplog):
    @chat.tool
    async def asks_elsewhere() -> None:
        raise TimeoutError("the other server is slow")

    await server.connect(tools=[{"name": "asks_elsewhere"}])
    await calls(server, call("asks_elsewhere"))
    output, _ = await server.takes(ITEM, ASK)
    assert "the other server is slow" in output["item"]["output"]
    assert chat.tools.calls[-1].status == "failed"


def _known(word: str) -> str:
    return {"a": "b"}[word]


async def test_a_parameter_whose_own_check_fails_is_answered_and_so_are_its_siblings(chat, server):
    pydantic = pytest.importorskip("pydantic")

    def look_up(word) -> str:
        return word

    look_up.__annotations__["word"] = Annotated[str, pydantic.AfterValidator(_known)]
    chat.tool(look_up)
    chat.tool(get_weather)
    await server.connect(tools=[{"name": "look_up"}, {"name": "get_weather"}])
    await calls(server, call("look_up", '{"word": "x"}', "c1"), call("get_weather", '{"city": "Paris"}', "c2"))
    first, second, _ = await server.takes(ITEM, ITEM, ASK)
    assert "KeyError" in first["item"]["output"]
    assert "sunny" in second["item"]["output"]
    assert chat.errors[-1].call.name == "look_up"


async def test_a_tool_that_waited_for_something_cancelled_is_answered(chat, server):
    @chat.tool
    async def wait() -> str:
        gone = asyncio.get_running_loop().create_future()
        gone.cancel()
        return await gone

    await server.connect(tools=[{"name": "wait"}])
    await calls(server, call("wait"))
    output, _ = await server.takes(ITEM, ASK)
    assert "CancelledError" in output["item"]["output"]
    assert chat.tools.calls[0].status == "failed"
