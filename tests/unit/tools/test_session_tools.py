"""The tools in the session, and how the user adds them to the widget."""

from __future__ import annotations

import pytest

from rtc_widget import Tool, VoiceChat
from rtc_widget.errors import InvalidTool
from tests.unit.server_double import UPDATE
from tests.unit.tools.tool_calls import get_weather


def names(session_update):
    return [tool["name"] for tool in session_update["session"]["tools"]]


# What the server is told of the tools


async def test_tools_that_are_there_before_the_call_go_with_its_offer(chat, page, signaling):
    chat.tool(get_weather)
    page.hello()
    page.say("exchange", id="p1:1", attempt="a1", sdp="v=0\r\n")
    await page.hears("reply")
    [(_, session)] = signaling.offers
    assert [tool["name"] for tool in session["tools"]] == ["get_weather"]
    assert session["instructions"] == "Be brief."


async def test_tools_added_or_removed_during_a_call_are_sent_at_once(chat, server):
    await server.connect()
    chat.tool(get_weather)
    [update] = await server.takes(UPDATE)
    assert update["session"]["type"] == "realtime"
    assert names(update) == ["get_weather"]
    chat.tools.remove(get_weather)
    assert names((await server.takes(UPDATE))[0]) == []
    with pytest.raises(KeyError, match="Tools: none"):
        chat.tools.remove("get_weather")


async def test_a_server_that_ignores_settings_in_the_offer_gets_the_tools(chat, server):
    chat.tool(get_weather)
    await server.connect(tools=[])
    assert names((await server.takes(UPDATE))[0]) == ["get_weather"]


async def test_a_server_that_knows_the_tools_gets_no_update(chat, server):
    chat.tool(get_weather)
    await server.connect(tools=[{"type": "function", "name": "get_weather"}])
    assert await server.take() == []


async def test_a_cell_that_is_run_again_replaces_its_tool(chat):
    chat.tool(get_weather)

    @chat.tool(name="get_weather")
    def better(city: str, day: str = "today") -> str:
        return "rain"

    assert list(chat.tools) == ["get_weather"]
    assert chat.tools["get_weather"].function is better
    assert "get_weather(city, day)" in repr(chat.tools)
    assert "get_weather" in chat.tools._repr_html_()


async def test_the_decorator_gives_the_function_back(chat):
    assert chat.tool(get_weather) is get_weather
    assert chat.tool(thread=True)(get_weather) is get_weather


async def test_a_wrong_definition_fails_where_it_stands(chat):
    with pytest.raises(InvalidTool, match="no type hint"):

        @chat.tool
        def no_hint(city): ...

    assert len(chat.tools) == 0


async def test_tools_are_given_to_the_widget_as_functions_or_descriptions(monkeypatch, signaling):
    import comm

    from tests.unit.comm_double import RecordingComm

    monkeypatch.setattr(comm, "create_comm", RecordingComm)
    mcp = {"type": "mcp", "server_label": "deep", "server_url": "https://mcp.example"}
    widget = VoiceChat(signaling, tools=[get_weather, Tool(get_weather, name="other", confirm=True), mcp])
    assert list(widget.tools) == ["get_weather", "other"]
    assert [tool.get("name") for tool in widget._session_tools.added_to({})["tools"]] == [None, "get_weather", "other"]
    with pytest.raises(TypeError, match="must be a function"):
        VoiceChat(signaling, tools=[7])
    widget.close()
