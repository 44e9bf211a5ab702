"""`await chat.connect(resume=True)`, as the widget sees it."""

from __future__ import annotations

import logging

import pytest

from rtc_widget import VoiceChat
from rtc_widget.testing import ScriptedPage
from tests.unit.waiting import eventually


@pytest.fixture
def acting() -> ScriptedPage:
    return ScriptedPage()


@pytest.mark.parametrize("end", ["disconnect", "server_hangs_up"])
async def test_a_conversation_is_resumed_after_its_end(acting: ScriptedPage, end: str) -> None:
    chat = VoiceChat(page=acting)
    texts: list[str] = []
    chat.observe(lambda change: texts.append(change.new), "progress")
    await chat.connect()
    acting.will_say("Hello.")
    await chat.ask("Hi")
    getattr(acting, end)()
    await eventually(lambda: chat.status in ("idle", "error"))
    await chat.connect(resume=True)
    assert acting.heard("connect")[-1]["resume"] is True
    assert chat.status == "connected"
    assert texts == ["The conversation continues in a new call …", ""]
    acting.will_say("Hello again.")
    await chat.ask("Hi again")
    assert "connected again" in str(chat.transcript)
    assert [turn.call for turn in chat.transcript] == [1, 1, 2, 2]
    chat.close()


async def test_a_call_without_resume_begins_a_new_conversation(acting: ScriptedPage) -> None:
    chat = VoiceChat(page=acting)
    await chat.connect()
    acting.disconnect()
    await eventually(lambda: chat.status == "idle")
    await chat.connect()
    assert acting.heard("connect")[-1]["resume"] is False
    chat.close()


async def test_without_an_earlier_call_there_is_nothing_to_resume_and_that_is_said(
    acting: ScriptedPage, caplog: pytest.LogCaptureFixture
) -> None:
    chat = VoiceChat(page=acting)
    with caplog.at_level(logging.WARNING, "rtc_widget"):
        await chat.connect(resume=True)
    assert chat.status == "connected"
    assert acting.heard("connect")[-1]["resume"] is False
    assert [record.message for record in caplog.records] == [
        "The call begins a new conversation: the widget has none to resume."
    ]
    chat.close()


async def test_progress_tells_that_a_conversation_continues_until_that_fails(chat, page) -> None:
    page.hello()
    page.connected()
    page.state("a2", resumes=True, status="reconnecting")
    await eventually(lambda: chat.progress == "The conversation continues in a new call …")
    page.state("a2", resumes=True, status="error")
    await eventually(lambda: chat.progress == "")
