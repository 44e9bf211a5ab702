"""What the voice model is told, and how its session is changed and closed."""

from __future__ import annotations

import asyncio

import pytest

from rtc_widget import VoiceChat
from rtc_widget.errors import EventRefused, InvalidSession, NotConnected, OperationUnsupported, WaitTimeout
from rtc_widget.testing import ScriptedPage
from tests.unit.protocols.live.conftest import types

WAYS = [("instruct", "instructions"), ("tell", "commentary"), ("inform", "thinking")]


@pytest.mark.parametrize(("way", "channel"), WAYS)
async def test_a_text_is_added_and_waited_for(make, page, way, channel):
    chat = make(None)
    await chat.connect()
    await getattr(chat, way)("Greet the user now.")
    [event] = page.sent
    assert event["type"] == f"session.{channel}.append"
    assert event["content"] == "Greet the user now."
    assert event["delegation_id"] is None
    assert "delegation_id" in event
    assert chat.events.last(f"session.{channel}.appended").client_event_id == event["event_id"]


async def test_a_text_may_belong_to_a_delegation(make, page):
    chat = make(None)
    await chat.connect()
    await chat.tell("The die shows four.", delegation_id="item_7")
    assert page.sent[0]["delegation_id"] == "item_7"


async def test_a_long_text_goes_in_parts_of_at_most_500_tokens(make, page):
    chat = make(None)
    await chat.connect()
    text = " ".join(f"This is sentence {number}." for number in range(200))
    await chat.inform(text)
    contents = [event["content"] for event in page.sent]
    assert len(contents) == 3
    assert " ".join(contents) == text
    assert all(content.endswith(".") and len(content) <= 1_500 for content in contents)


async def test_an_acknowledgement_without_an_id_belongs_to_the_oldest_event(make, page):
    chat = make(None)
    await chat.connect()
    page.reacts("session.thinking.append", lambda event: None)
    adding = [asyncio.ensure_future(chat.inform(text)) for text in ("one", "two")]
    await page.settled()
    appended = {"type": "session.thinking.appended", "start_ms": 0, "end_ms": 200}
    page.receives(appended)
    await adding[0]
    assert not adding[1].done()
    page.receives(appended)
    await adding[1]


async def test_a_refused_text_ends_at_once(make, page):
    chat = make(None)
    await chat.connect()

    def refuse(event):
        error = {"code": "invalid_value", "message": "501 tokens.", "client_event_id": event["event_id"]}
        return {"type": "error", "error": error}

    page.reacts("session.instructions.append", refuse)
    with pytest.raises(EventRefused, match="501 tokens"):
        await chat.instruct("Stop.", timeout=300)


async def test_a_clock_that_stands_still_is_told(make, page, monkeypatch):
    monkeypatch.setattr("rtc_widget.protocols.live.clock._STANDS_SECONDS", 0.0)
    chat = make(None)
    await chat.connect()
    page.receives({"type": "session.input_transcript.delta", "delta": "Hm", "start_ms": 3000, "end_ms": 3200})
    page.reacts("session.thinking.append", lambda event: None)
    with pytest.raises(WaitTimeout, match=r"last seen at 3\.2 s.*receives no audio"):
        await chat.inform("Psst.", timeout=0.01)


async def test_adding_a_text_needs_a_call(make):
    chat = make(None)
    with pytest.raises(NotConnected):
        await chat.tell("Hello")


async def test_an_empty_text_is_refused(make):
    with pytest.raises(ValueError, match="empty"):
        await make(None).tell(" ")


@pytest.mark.parametrize(("way", "channel"), WAYS)
async def test_the_realtime_api_cannot_do_it_and_says_what_can(way, channel):
    page = ScriptedPage()
    chat = VoiceChat(page=page)
    await chat.connect()
    with pytest.raises(OperationUnsupported, match=rf"no {channel}.*(chat\.ask|update_session|chat\.send)"):
        await getattr(chat, way)("Hello")
    assert page.sent == []
    assert list(chat.delegations) == []
    chat.close()


async def test_an_interruption_silences_the_page_and_tells_the_voice(make, page):
    chat = make(None)
    await chat.connect()
    assert chat.interrupt() is False
    await chat.tell("A long story.")
    assert chat.interrupt() is True
    assert len(page.heard("silence_output")) == 2
    assert (page.sent[-1]["type"], page.sent[-1]["content"]) == (
        "session.instructions.append",
        "Stop speaking now and listen.",
    )


async def test_push_to_talk_opens_the_microphone_and_sends_nothing(make, page):
    chat = make(None)
    await chat.connect()
    chat.mute()
    with chat.push_to_talk():
        await page.settled()
        assert not chat.muted
    await page.settled()
    assert chat.muted
    assert page.sent == []


async def test_the_backend_can_be_changed_during_a_session(make, page):
    chat = make()
    await chat.connect()
    session = await chat.update_session(backend_instructions="Plain sentences.", tool_choice="required")
    [event] = page.sent
    assert event["session"] == {
        "delegation": {
            "type": "responses",
            "responses": {"instructions": "Plain sentences.", "tool_choice": "required"},
        }
    }
    assert session.backend_instructions == chat.session.backend_instructions == "Plain sentences."


@pytest.mark.parametrize(
    ("setting", "instead"), [("instructions", "chat.instruct"), ("voice", "new call"), ("input", "chat.inform")]
)
async def test_what_is_fixed_at_the_start_says_what_to_do_instead(make, page, setting, instead):
    chat = make()
    await chat.connect()
    with pytest.raises(InvalidSession, match=f"fixed at the start.*{instead}"):
        await chat.update_session(**{setting: "x"})
    assert instead in chat.session.fixed[setting]
    assert page.sent == []


async def test_a_refused_change_ends_at_once(make, page):
    chat = make()
    await chat.connect()

    def refuse(event):
        error = {"code": "immutable_field_update", "message": "No.", "client_event_id": event["event_id"]}
        return {"type": "error", "error": error}

    page.reacts("session.update", refuse)
    with pytest.raises(EventRefused, match="No"):
        await chat.update_session(timeout=300, tool_choice="auto")


async def test_without_a_backend_its_settings_cannot_change(make):
    chat = make(None)
    await chat.connect()
    with pytest.raises(InvalidSession, match="no backend"):
        await chat.update_session(tool_choice="auto")


async def test_a_session_is_closed_in_an_orderly_way(make, page):
    chat = make(None)
    await chat.connect()
    await chat.tell("Hello")
    await chat.disconnect()
    assert types(page)[-1] == "session.close"
    closed = chat.events[-1]
    assert closed.type == "session.closed"
    assert chat.usage.seconds == closed.usage.seconds > 0
    assert chat.transcript[-1].status == "completed"
    assert chat.status == "idle"


async def test_a_service_that_does_not_confirm_the_end_is_not_waited_for_long(make, page, monkeypatch):
    monkeypatch.setattr("rtc_widget.calls.controller._CLOSE_SECONDS", 0.01)
    chat = make(None)
    await chat.connect()
    page.reacts("session.close", lambda event: None)
    await chat.disconnect()
    assert chat.status == "idle"


async def test_who_speaks_is_what_the_page_has_heard(make, page):
    chat = make(None)
    await chat.connect()
    page.receives({"type": "session.output_transcript.delta", "delta": "Hi", "start_ms": 0, "end_ms": 200})
    await page.settled()
    assert not chat.assistant_speaking, "words come half a second late, and say nothing about the sound"


@pytest.mark.parametrize(
    ("code", "shown"), [("server_error", 1), ("context_injection_incomplete", 0), ("credit_balance_exhausted", 1)]
)
async def test_errors_are_noted_unless_they_are_harmless(make, page, code, shown):
    from rtc_widget.conversation.event_reader import facts_of
    from rtc_widget.conversation.facts import ServerNote

    chat = make(None)
    await chat.connect()
    page.receives({"type": "error", "error": {"type": "server_error", "code": code, "message": "No."}})
    await page.settled()
    notes = [fact for fact in facts_of(chat.events[-1]) if isinstance(fact, ServerNote)]
    assert len(notes) == shown
    assert (chat.error or {}).get("code") == (code if code == "credit_balance_exhausted" else None)


@pytest.mark.parametrize("delegation", [None, "responses"])
async def test_a_delegation_cannot_be_taken_away_during_a_session(make, page, delegation):
    chat = make()
    await chat.connect()
    with pytest.raises(InvalidSession, match=r"must be a mapping, got (None|'responses')"):
        await chat.update_session(delegation=delegation)
    assert page.sent == []
