"""Whatever a tool raises reaches the model, and the tools beside it give their results."""

from __future__ import annotations

import asyncio
import json

import pytest

from rtc_widget import Tool
from rtc_widget._unicode import is_well_formed
from tests.unit.server_double import ASK, ITEM, call
from tests.unit.tools.tool_calls import calls, get_weather


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class NoText(Exception):
    def __str__(self) -> str:
        return 7  # type: ignore[return-value]


class Fatal(BaseException):
    pass


RAISED = {
    "a file name that is not UTF-8": (OSError("caf\udce9.txt"), "OSError: caf\ufffd.txt"),
    "half an emoji": (ValueError("Hi \ud83d"), "ValueError: Hi \ufffd"),
    "no text": (NoText(), "NoText: (its message cannot be read: TypeError)"),
    "its own error": (Unprintable(), "Unprintable: (its message cannot be read: RuntimeError)"),
    "NUL": (ValueError("a\x00b"), "ValueError: a\x00b"),
    "nothing": (ValueError(), "ValueError:"),
    "a stop": (StopIteration("over"), "RuntimeError: "),
    "not an Exception": (Fatal("out"), "Fatal: out"),
    "an exit": (SystemExit(3), "SystemExit: 3"),
    "an interrupt": (KeyboardInterrupt(), "KeyboardInterrupt:"),
    "a cancellation": (asyncio.CancelledError(), "CancelledError:"),
    "a group": (ExceptionGroup("all \ud83d", [ValueError("x")]), "ExceptionGroup: all \ufffd (1 sub-exception)"),
}


@pytest.mark.parametrize("how", ["sync", "async", "thread"])
@pytest.mark.parametrize("name", RAISED)
async def test_an_exception_reaches_the_model_whatever_its_message_holds(chat, server, page, name, how, caplog):
    error, expected = RAISED[name]

    def fails() -> None:
        raise error

    async def fails_later() -> None:
        await asyncio.sleep(0)
        raise error

    chat.tool(get_weather)
    chat.tools.add(Tool(fails_later if how == "async" else fails, name="fails", thread=how == "thread"))
    await server.connect(tools=[{"name": "get_weather"}, {"name": "fails"}])
    await calls(server, call("fails", call_id="c1"), call("get_weather", '{"city": "Ulm"}', call_id="c2"))
    first, second, _ = await server.takes(ITEM, ITEM, ASK)
    words = json.loads(first["item"]["output"])["error"]
    assert words.startswith(expected)
    assert json.loads(second["item"]["output"]) == {"city": "Ulm", "sky": "sunny"}
    assert [record.status for record in chat.tools.calls] == ["failed", "completed"]
    assert len(chat.errors) == 1
    for shown in (repr(chat.tools.calls), chat.tools.calls._repr_html_(), str(chat.errors[0])):
        assert is_well_formed(shown)
    assert (await page.hears("note"))["code"] == "tool_failed"


async def test_a_failure_that_cannot_be_shown_still_reaches_the_model(chat, server, monkeypatch, caplog):
    def fails() -> None:
        raise ValueError("No.")

    def cannot_show(failure: object) -> None:
        raise RuntimeError("The page takes nothing.")

    chat.tool(fails)
    chat._record.failures.show_by(cannot_show)
    await server.connect(tools=[{"name": "fails"}])
    await calls(server, call("fails"))
    output, _ = await server.takes(ITEM, ASK)
    assert json.loads(output["item"]["output"]) == {"error": "ValueError: No."}


@pytest.mark.usefixtures("no_collection")
async def test_arguments_nested_too_deeply_are_refused_with_an_output(chat, server):
    chat.tool(get_weather)
    await server.connect(tools=[{"name": "get_weather"}])
    await calls(server, call("get_weather", '{"city": ' + "[" * 200_000))
    output, _ = await server.takes(ITEM, ASK)
    assert "not valid JSON" in json.loads(output["item"]["output"])["error"]
    assert [record.status for record in chat.tools.calls] == ["failed"]
