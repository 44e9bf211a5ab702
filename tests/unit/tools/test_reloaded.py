"""Tools whose modules IPython's %autoreload has reloaded."""

from __future__ import annotations

import importlib
import itertools
import os
import sys

import pytest
from IPython.extensions import autoreload

from rtc_widget.tools.tool import Tool
from tests.unit.server_double import UPDATE

OLD = """
def weather(city: str) -> str:
    "Tell the weather."
    return f"rain in {city}"

class Home:
    def lamp(self, on: bool):
        return on
"""
NEW = '''
def weather(city: str, day: str = "today", *, unit: str = "C") -> str:
    """Tell the weather of a day.

    Args:
        day: In English.
    """
    return f"rain in {city} {day} in {unit}"

class Home:
    def lamp(self, on: bool, room: str = "hall"):
        return on, room
'''
NO_HINT = "def weather(city, where): ...\n"
# What IPython 8 gives to an old function.
OLD_ATTRIBUTES = ["__code__", "__defaults__", "__doc__", "__closure__", "__globals__", "__dict__"]


@pytest.fixture(params=["all attributes", "those of IPython 8"])
def module(request, tmp_path, monkeypatch):
    if request.param == "those of IPython 8":
        monkeypatch.setattr(autoreload, "func_attrs", OLD_ATTRIBUTES)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "reloaded_tools.py").write_text(OLD)
    found = importlib.import_module("reloaded_tools")
    reloader = autoreload.ModuleReloader()
    reloader.check(check_all=True)
    times = itertools.count(int(found.__spec__.loader.path_stats(found.__file__)["mtime"]) + 10, 10)

    def change(text):
        (tmp_path / "reloaded_tools.py").write_text(text)
        os.utime(tmp_path / "reloaded_tools.py", (moment := next(times), moment))
        reloader.check(check_all=True)

    found.change = change
    yield found
    del sys.modules["reloaded_tools"]


def called(tool, text):
    arguments = tool.check(text)
    return tool.current_function(*arguments.positional, **arguments.named)


def test_the_schema_and_the_call_follow_the_new_function(module):
    tool, method = Tool(module.weather), Tool(module.Home().lamp)
    module.change(NEW)
    assert tool.description == "Tell the weather of a day."
    assert tool.to_wire()["parameters"]["properties"]["day"] == {
        "type": "string",
        "default": "today",
        "description": "In English.",
    }
    assert called(tool, '{"city": "Ulm", "day": "now"}') == "rain in Ulm now in C"
    assert called(method, '{"on": true, "room": "bath"}') == (True, "bath")


def test_an_old_function_can_be_added_again(module):
    weather = module.weather  # as after `from reloaded_tools import weather`
    module.change(NEW)
    assert list(Tool(weather).parameters["properties"]) == ["city", "day", "unit"]


async def test_the_server_is_told(module, chat, server):
    chat.tool(module.weather)
    await server.connect(tools=[{"type": "function", "name": "weather"}])
    assert await server.take() == []
    module.change(NEW)
    assert "day" in repr(chat.tools)
    await server.says({"type": "input_audio_buffer.speech_started", "item_id": "item_1", "audio_start_ms": 0})
    [update] = await server.takes(UPDATE)
    assert list(update["session"]["tools"][0]["parameters"]["properties"]) == ["city", "day", "unit"]


def test_a_new_function_that_cannot_be_a_tool_keeps_the_old_description_and_says_so(module, caplog):
    tool = Tool(module.weather)
    module.change(NO_HINT)
    assert list(tool.parameters["properties"]) == ["city"]
    assert tool.description == "Tell the weather."
    assert "The tool weather was reloaded" in caplog.text
    assert len(caplog.records) == 1
