"""Responses that end without words: the transcript, `chat.error` and the log say so."""

from __future__ import annotations

import asyncio

import pytest

from rtc_widget.errors import ResponseFailed
from tests.limits import HANGS
from tests.unit.server_double import ASK, ITEM
from tests.unit.waiting import settled

DENIED = {"code": "microphone_denied", "message": "The microphone was refused.", "hint": ""}
CASES = {
    "content_filter": ("incomplete", {"type": "incomplete", "reason": "content_filter"}, "content filter stopped"),
    "max_output_tokens": ("incomplete", {"type": "incomplete", "reason": "max_output_tokens"}, "max_output_tokens"),
    "null": ("failed", None, "gives no reason"),
    "odd": ("failed", ["odd"], "gives no reason"),
    "no quota": (
        "failed",
        {"type": "failed", "error": {"code": "insufficient_quota", "message": "You exceeded your quota."}},
        "You exceeded your quota.",
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_it_is_told_in_the_transcript_the_error_and_the_log(chat, server, name, caplog):
    status, details, words = CASES[name]
    await server.connect()
    chat.send_text("What is ICE?")
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.begins()
    await server.ends("r1", status=status, status_details=details)
    turn = chat.transcript[-1]
    assert (turn.role, turn.text, turn.status, turn.response_id) == ("assistant", "", status, "r1")
    assert words in chat.error["message"]
    assert chat.error["code"] == ("insufficient_quota" if name == "no quota" else f"response_{status}")
    assert [words in record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [True]
    assert chat.status == "connected"


async def test_an_error_event_about_the_quota_is_told_as_well(chat, server, caplog):
    await server.connect()
    await server.says({"type": "error", "error": {"code": "insufficient_quota", "message": "You exceeded it."}})
    assert chat.error["code"] == "insufficient_quota"
    assert "You exceeded it." in caplog.text


async def test_the_error_stays_through_the_page_s_next_states_until_the_next_call(chat, server, page):
    await server.connect()
    await server.says({"type": "error", "error": {"code": "insufficient_quota", "message": "You exceeded it."}})
    page.state("a1", status="connected", data_channel_state="open", muted=True)
    await settled()
    assert (chat.muted, chat.error["code"]) == (True, "insufficient_quota")
    page.state("a1", status="connected", data_channel_state="open", error=DENIED)
    await settled()
    assert chat.error["code"] == "microphone_denied"
    page.state("a1", status="idle")
    await settled()
    assert chat.error is None, "the page took its error back"
    await server.says({"type": "error", "error": {"code": "insufficient_quota", "message": "You exceeded it."}})
    page.state("a2", status="connecting")
    await settled()
    assert chat.error is None


async def test_a_response_with_words_is_no_error(chat, server):
    await server.connect()
    words = {"id": "m1", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Well"}]}
    await server.begins()
    await server.ends("r1", words, status="incomplete", status_details={"reason": "max_output_tokens"})
    assert (chat.transcript[-1].text, chat.transcript[-1].status) == ("Well", "incomplete")
    assert chat.error is None


async def test_a_question_that_gets_no_words_is_raised_with_the_reason(chat, server):
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("What is ICE?", timeout=HANGS))
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.begins()
    await server.ends("r1", status="incomplete", status_details={"reason": "content_filter"})
    with pytest.raises(ResponseFailed, match=r"its status is incomplete \(content_filter\)"):
        await asking
