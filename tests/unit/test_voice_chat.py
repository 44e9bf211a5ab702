"""The widget: errors and defaults at its creation, and traits that follow the page."""

from __future__ import annotations

import ast
import asyncio
import inspect
import sys

import anywidget
import comm
import pytest

from rtc_widget import OpenAI, OpenAILive, VoiceChat
from rtc_widget.errors import InvalidSession, UnexpectedError
from rtc_widget.testing import ScriptedPage
from rtc_widget.testing.raw_page import CONNECTED
from tests.unit.comm_double import RecordingComm
from tests.unit.waiting import settled


async def test_a_page_that_says_hello_is_welcomed(page):
    page.hello()
    assert page.heard("welcome") == [{"type": "welcome", "page": "p1", "protocol": 2}]


async def test_traits_follow_the_page(chat, page):
    seen = []
    chat.observe(lambda change: seen.append(change.new), "status")
    page.hello()
    page.state(status="connecting", ice_gathering_state="gathering", signaling_state="have-local-offer")
    page.connected()
    await settled()
    assert seen == ["connecting", "connected"]
    assert chat.connection_state == "connected"
    assert chat.ice_connection_state == "completed"
    assert chat.data_channel_state == "open"
    assert chat.microphone_permission == "granted"


async def test_an_overtaken_state_changes_nothing(chat, page):
    page.hello()
    page.say("state", seq=5, attempt="a1", resumes=False, state=dict(CONNECTED))
    page.say("state", seq=4, attempt="a1", resumes=False, state={**CONNECTED, "status": "connecting"})
    await settled()
    assert chat.status == "connected"


@pytest.fixture
async def browser_chat(monkeypatch, signaling):
    """A chat whose page is the browser's, at the other end of a comm."""
    monkeypatch.setattr(comm, "create_comm", RecordingComm)
    chat = VoiceChat(signaling)
    yield chat
    chat.close()


async def test_the_first_state_of_a_page_has_its_protocol_and_layout(monkeypatch):
    # A page reads them once, when it opens; what follows the opening of the comm may come after that.
    monkeypatch.setattr(comm, "create_comm", RecordingComm)
    chat = VoiceChat(OpenAILive("sk-canary"), layout="compact", max_duration=60)
    opened = chat.comm.published[0]
    assert opened["msg_type"] == "comm_open"
    settings = opened["data"]["state"]["settings"]
    assert (settings["protocol"], settings["layout"], settings["max_duration"]) == ("live", "compact", 60)
    chat.close()


def from_browser(chat, content):
    chat.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


async def test_the_browsers_page_speaks_through_the_comm(browser_chat):
    from_browser(browser_chat, {"type": "hello", "page": "p1", "protocol": 2})
    published = [message["data"] for message in browser_chat.comm.published]
    assert {"method": "custom", "content": {"type": "welcome", "page": "p1", "protocol": 2}} in published
    state = {"type": "state", "page": "p1", "seq": 1, "attempt": "a1", "resumes": False, "state": dict(CONNECTED)}
    from_browser(browser_chat, state)
    await settled()
    assert browser_chat.status == "connected"


async def test_traits_cannot_be_written_by_the_page(browser_chat):
    message = {"content": {"data": {"method": "update", "state": {"status": "connected"}}}, "buffers": []}
    browser_chat.comm.handle_msg(message)
    assert browser_chat.status == "idle"


def test_unknown_session_settings_are_refused_at_once():
    with pytest.raises(InvalidSession, match="instructions"):
        VoiceChat(instruction="x")


def test_signaling_of_the_wrong_kind_is_refused_at_once():
    with pytest.raises(TypeError, match=r"OpenAI\(…\)"):
        VoiceChat("https://api.openai.com")


def test_a_class_in_the_place_of_a_thing_is_refused_at_once():
    with pytest.raises(TypeError, match=r"OpenAI\(\)"):
        VoiceChat(OpenAI)
    with pytest.raises(TypeError, match=r"ScriptedPage\(\)"):
        VoiceChat(page=ScriptedPage)


def test_without_a_server_the_widget_says_what_to_do(monkeypatch):
    from rtc_widget.signaling import local

    monkeypatch.setattr(local, "is_installed", lambda: False)
    chat = VoiceChat()
    assert "rtc-widget[local]" in chat.progress
    assert "OPENAI_API_KEY" in chat.progress
    assert chat.settings["can_call"] is False, "the page must open no microphone for it"


def test_with_a_key_openai_is_called_and_the_key_shows_nowhere(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    chat = VoiceChat()
    assert chat.server == "OpenAI · gpt-realtime-2.1"
    assert chat.settings["can_call"] is True
    assert "sk-canary" not in repr(chat) + repr(chat._signaling) + str(chat.get_state())


async def test_ipykernel_6_is_told_the_two_cell_way(browser_chat, monkeypatch):
    from rtc_widget.errors import AwaitUnsupported
    from rtc_widget.kernel import ipykernel as awaiting

    monkeypatch.setattr(awaiting, "kernel_version", lambda: (6, 31))

    async def cell():
        await browser_chat.connect()

    # The name under which IPython runs a cell.
    cell.__qualname__ = "InteractiveShell.run_cell_async"
    with pytest.raises(AwaitUnsupported, match="Split the cell in two"):
        await asyncio.ensure_future(cell())
    said = [message["data"].get("content", {}) for message in browser_chat.comm.published]
    assert "connect" not in [content.get("type") for content in said]


@pytest.mark.process
@pytest.mark.parametrize("name", ["aiortc", "httpx", "pandas", "openai", "pydantic", "numpy"])
def test_import_is_light(name):
    import subprocess

    code = f"import rtc_widget, rtc_widget.voice_chat, sys; sys.exit({name!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_unexpected_error_asks_for_a_report():
    assert "report" in str(UnexpectedError("Odd."))


def test_public_methods_only_call_the_parts():
    [widget] = [node for node in ast.parse(inspect.getsource(VoiceChat)).body if isinstance(node, ast.ClassDef)]
    methods = [node for node in widget.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    public = [method for method in methods if not method.name.startswith("_")]
    bodies = {method.name: method.body[ast.get_docstring(method) is not None :] for method in public}
    assert len(bodies) > 30
    assert {name: len(body) for name, body in bodies.items() if len(body) > 3} == {}


def test_it_has_no_base_class_but_the_widget():
    assert VoiceChat.__bases__ == (anywidget.AnyWidget,)
