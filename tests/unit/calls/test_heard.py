"""What was heard of a response when its call ended, in the transcript, in a saved session and in the history."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from rtc_widget import VoiceChat
from rtc_widget.testing import ScriptedPage
from tests.unit.waiting import eventually, settled

TEXT = " ".join(f"word{number}" for number in range(100))
FIRST = {"type": "output_audio_buffer.started", "response_id": "r1"}


def done(response: str = "r1", item: str = "m1", text: str = TEXT) -> dict[str, Any]:
    """Return the end of a response of 20 s."""
    content = [{"type": "output_audio", "transcript": text}]
    output = [{"id": item, "type": "message", "role": "assistant", "status": "completed", "content": content}]
    usage = {"output_token_details": {"audio_tokens": 400}}
    return {
        "type": "response.done",
        "response": {"id": response, "status": "completed", "output": output, "usage": usage},
    }


async def speak_for(page: ScriptedPage, seconds: float) -> None:
    """Let the server make a response at once, and speak it for some seconds."""
    page.receives({"type": "session.created", "session": {}}, FIRST, done())
    page.passes(seconds)
    await settled()


def assert_cut_after_three_seconds(chat: Any) -> None:
    turn = chat.transcript[0]
    assert turn.text == TEXT
    assert turn.heard == " ".join(TEXT.split()[:16])
    assert (turn.status, turn.interrupted) == ("interrupted", True)
    assert 0.14 < turn.played < 0.16


@pytest.mark.parametrize("end", ["disconnect", "server_hangs_up", "gives_up", "close"])
async def test_a_response_that_the_end_of_the_call_cuts_was_heard_until_then(end: str, tmp_path: Path) -> None:
    page = ScriptedPage()
    chat = VoiceChat(page=page)
    await chat.connect()
    await speak_for(page, 3)
    if end == "gives_up":
        page.loses_connection()
        page.passes(30)  # the loss is older than the end
    await chat.disconnect() if end == "disconnect" else getattr(chat if end == "close" else page, end)()
    await eventually(lambda: chat.status in ("idle", "error"))
    await settled()
    assert_cut_after_three_seconds(chat)
    assert list(VoiceChat.load(chat.save(tmp_path / "a.zip")).transcript) == list(chat.transcript)
    chat.close()


async def test_a_response_that_a_lost_connection_cuts_was_heard_until_then(tmp_path: Path) -> None:
    page = ScriptedPage()
    chat = VoiceChat(page=page)
    await chat.connect()
    await speak_for(page, 3)
    page.loses_connection()
    page.passes(30)
    page.recovers()
    await settled()
    assert chat.status == "connected"
    assert_cut_after_three_seconds(chat)
    page.receives({"type": "response.output_text.done", "item_id": "m1", "text": "Again."})
    page.disconnect()
    await eventually(lambda: chat.status == "idle")
    assert [turn.call for turn in chat.transcript] == [1, 2]
    assert list(VoiceChat.load(chat.save(tmp_path / "a.zip")).transcript) == list(chat.transcript)
    chat.close()


async def test_a_response_that_waits_for_another_when_the_call_ends_was_not_heard() -> None:
    page = ScriptedPage()
    chat = VoiceChat(page=page)
    await chat.connect()
    await speak_for(page, 1)
    page.receives(done("r2", "m2", "The second response."))
    page.passes(2)
    await chat.disconnect()
    assert_cut_after_three_seconds(chat)
    assert (chat.transcript[1].heard, chat.transcript[1].status) == ("", "interrupted")
    chat.close()


async def test_a_response_that_was_spoken_to_its_end_is_not_interrupted() -> None:
    page = ScriptedPage()
    chat = VoiceChat(page=page)
    await chat.connect()
    await speak_for(page, 20)
    page.receives({"type": "output_audio_buffer.stopped", "response_id": "r1"})
    await chat.disconnect()
    assert (chat.transcript[0].heard, chat.transcript[0].status) == (TEXT, "completed")
    chat.close()


EVENTS: tuple[dict[str, Any], ...] = ({"type": "session.created"}, FIRST, done())


@pytest.mark.parametrize("known", [0, 1, 2, 3])
async def test_events_that_arrive_after_the_end_of_their_call_belong_before_it(
    chat: Any, page: ScriptedPage, known: int, tmp_path: Path
) -> None:
    page.hello()
    page.connected()
    heard_until_ms = page.now_ms + 3001
    if known:
        page.events(*EVENTS[:known])
    page.state(status="idle", heard_until_ms=heard_until_ms)
    if known < 3:
        page.events(*EVENTS[known:])
    await settled()
    assert_cut_after_three_seconds(chat)
    assert list(VoiceChat.load(chat.save(tmp_path / "a.zip")).transcript) == list(chat.transcript)


@pytest.mark.parametrize("known", [1, 2, 3])
async def test_events_that_arrive_after_the_next_call_has_begun_belong_before_the_end_of_theirs(
    chat: Any, page: ScriptedPage, known: int, tmp_path: Path
) -> None:
    page.hello()
    page.connected()
    heard_until_ms = page.now_ms + 3001
    page.events(*EVENTS[:known])
    page.state("a1", status="reconnecting", heard_until_ms=heard_until_ms)
    page.state("a2", resumes=True, status="connected", data_channel_state="open")
    page.events({"type": "session.created"}, attempt="a2")
    if known < 3:
        page.events(*EVENTS[known:])
    await settled()
    assert_cut_after_three_seconds(chat)
    assert list(VoiceChat.load(chat.save(tmp_path / "a.zip")).transcript) == list(chat.transcript)


async def test_the_end_of_a_call_counts_although_another_page_has_the_call_by_then(
    chat: Any, page: ScriptedPage
) -> None:
    page.hello()
    page.connected()
    heard_until_ms = page.now_ms + 3001
    page.events(*EVENTS)
    other = page.beside("p2")
    other.hello()
    page.say("goodbye")
    other.state("b1", resumes=True, status="connected", data_channel_state="open")
    page.state("a1", status="error", heard_until_ms=heard_until_ms)
    await settled()
    assert chat.active_page == "p2"
    assert_cut_after_three_seconds(chat)


@pytest.mark.parametrize("end", ["close", "goodbye"])
async def test_a_call_whose_end_no_page_reports_was_heard_until_then(chat: Any, page: ScriptedPage, end: str) -> None:
    page.hello()
    page.connected()
    page.now_ms = time.time() * 1000 - 3001
    page.events(*EVENTS)
    await settled()
    chat.close() if end == "close" else page.say("goodbye")
    await settled()
    turn = chat.transcript[0]
    assert (turn.text, turn.status, turn.interrupted) == (TEXT, "interrupted", True)
    assert 0.1 < turn.played < 0.5


async def test_the_history_says_until_when_an_ended_call_was_heard(chat: Any, page: ScriptedPage) -> None:
    page.hello()
    page.connected()
    heard_until_ms = page.now_ms + 3001
    page.events(*EVENTS)
    late = page.beside("p2")
    late.hello()
    await settled()

    async def told(number: int, first: int) -> list[tuple[str, int, float | None]]:
        late.say("history", id=f"p2:{number}", first=first, before=None, brief=False, without=[])
        calls = (await late.hears("reply", number))["result"]["calls"]
        return [(call["attempt"], len(call["events"]), call["heard_until_ms"]) for call in calls]

    assert await told(1, 0) == [("a1", 3, None)]
    assert await told(2, 3) == []
    count = len(late.heard("log_grew"))
    page.state(status="reconnecting", heard_until_ms=heard_until_ms)
    await eventually(lambda: len(late.heard("log_grew")) > count)
    assert await told(3, 0) == [("a1", 3, heard_until_ms)]
    assert await told(4, 2) == [("a1", 1, heard_until_ms)]
    assert await told(5, 3) == [("a1", 0, heard_until_ms)], "the page knows the events already"
    page.state("a2", resumes=True, status="connected", data_channel_state="open")
    page.events({"type": "session.created"}, attempt="a2")
    await settled()
    assert await told(6, 0) == [("a1", 3, heard_until_ms), ("a2", 1, None)]
    page.events({"type": "late"}, attempt="a1")
    await settled()
    assert await told(7, 0) == [("a1", 3, None), ("a2", 1, None), ("a1", 1, heard_until_ms)]
