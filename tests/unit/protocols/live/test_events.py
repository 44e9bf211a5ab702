"""Events as models of openai-python, and what usage, latency and the timeline read from them."""

from __future__ import annotations

import sys

import pytest

from rtc_widget import OpenAILive, Transcript, VoiceChat
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.latency import Latency
from rtc_widget.conversation.timeline import spans
from rtc_widget.conversation.usage import Usage
from rtc_widget.protocols.live.typed_events import _models
from rtc_widget.protocols.realtime.typed_events import Untyped
from rtc_widget.testing import ScriptedPage
from tests.limits import eventually


def live(raw, elapsed=0.0, direction="received"):
    return Event(raw, elapsed=elapsed, direction=direction, protocol="live")


def heard(text, start, end, elapsed=None):
    raw = {"type": "session.input_transcript.delta", "delta": text, "start_ms": start, "end_ms": end}
    return live(raw, end / 1000 + 0.5 if elapsed is None else elapsed)


def spoken(text, start, end):
    raw = {"type": "session.output_transcript.delta", "delta": text, "start_ms": start, "end_ms": end}
    return live(raw, end / 1000 + 0.5)


STARTED = {"type": "session.started", "session": {"id": "live_1", "status": "active"}}


def test_an_openai_python_without_live_models_is_named_with_the_command_that_helps(monkeypatch):
    types = pytest.importorskip("openai.types")
    monkeypatch.setitem(sys.modules, "openai.types.live", None)
    monkeypatch.delattr(types, "live", raising=False)
    _models.cache_clear()
    # The extra accepts older versions, so installing it again would change nothing.
    with pytest.raises(ImportError, match=r"pip install -U 'openai>=3\.54'"):
        _ = live(STARTED).typed


@pytest.mark.parametrize(
    ("raw", "direction", "model"),
    [
        (
            {"type": "session.input_transcript.delta", "event_id": "e", "delta": "Hi", "start_ms": 0, "end_ms": 200},
            "received",
            "InputTranscriptDeltaEvent",
        ),
        (
            {"type": "session.commentary.append", "event_id": "e", "delegation_id": None, "content": "Hi"},
            "sent",
            "CommentaryAppendEvent",
        ),
    ],
)
def test_an_event_is_a_model_of_openai_python(raw, direction, model):
    pytest.importorskip("openai.types.live")
    assert type(live(raw, direction=direction).typed).__name__ == model


def test_an_error_may_have_no_code():
    pytest.importorskip("openai.types.live")
    raw = {"type": "error", "event_id": "e", "error": {"type": "server_error", "code": None, "message": "No."}}
    typed = live(raw).typed
    assert (type(typed).__name__, typed.error.code, typed.error.message) == ("ErrorEvent", None, "No.")


def test_an_unknown_event_says_so():
    pytest.importorskip("openai.types.live")
    typed = live({"type": "session.brand_new"}).typed
    assert isinstance(typed, Untyped)
    assert "no received live event 'session.brand_new'" in typed.reason


def test_the_seconds_of_a_session_replace_each_other_and_sessions_add_up():
    def used(seconds, **more):
        return live({"type": "session.usage.updated", "usage": {"seconds": seconds, **more}})

    usage = Usage([live(STARTED), used(15), used(30, active_seconds=20, paused_seconds=10)])
    assert (usage["active_seconds"], usage["standby_seconds"], usage.seconds) == (20, 10, 30)
    for event in (live(STARTED), used(10)):
        usage.add(event)
    assert (usage["active_seconds"], len(usage.entries)) == (30, 2)
    assert usage.cost({"minute": 0.05, "standby_minute": 0.02}) == pytest.approx(0.5 * 0.05 + 10 / 60 * 0.02)
    with pytest.raises(ValueError, match="missing: standby_minute"):
        usage.cost({"minute": 0.05})
    with pytest.raises(ValueError, match=r"Unknown token kind active_seconds.*minute"):
        usage.cost({"active_seconds": 1})


async def test_the_last_usage_of_a_session_counts_for_it_although_the_next_call_has_begun():
    page = ScriptedPage(acts=False)
    chat = VoiceChat(OpenAILive("sk-x", backend=None), page=page)
    try:
        page.hello()
        used = {"type": "session.usage.updated", "usage": {"seconds": 15}}
        closed = {"type": "session.closed", "reason": "close_requested", "usage": {"seconds": 31}}
        page.connected("a1")
        page.events(STARTED, used, attempt="a1")
        page.connected("a2")
        page.events(STARTED, attempt="a2")
        page.events(closed, attempt="a1")
        page.events(used, attempt="a2")
        await eventually(lambda: len(chat.events) == 5)
        assert (chat.usage.seconds, len(chat.usage.entries)) == (46, 2)
    finally:
        chat.close()


def test_a_latency_is_the_time_between_the_words_of_both_sides():
    [turn] = Latency(
        [heard("What is", 600, 800), heard(" ICE?", 800, 1000), spoken("It", 2400, 2600), spoken(" is", 2600, 2800)]
    )
    assert (turn.asked, turn.asked_at, turn.first_audio) == ("spoken", 1.0, pytest.approx(1.4))
    assert turn.done == pytest.approx(1.8)


def test_a_voice_that_goes_on_speaking_does_not_answer_what_is_said_meanwhile():
    events = [heard("Tell", 0, 200), spoken("Once upon", 1000, 1800), heard("Mm-hmm", 1400, 1600)]
    events += [spoken(" a time", 1800, 2200), spoken("Yes", 4000, 4200)]
    assert [turn.first_audio for turn in Latency(events)] == pytest.approx([0.8, 2.4])


def test_the_timeline_has_the_words_of_both_sides():
    def at(event, seconds):
        from datetime import UTC, datetime

        return Event(event.raw, elapsed=seconds, time=datetime.fromtimestamp(1e9 + seconds, UTC), protocol="live")

    events = [at(live(STARTED), 0.0), at(heard("a", 1000, 1200), 1.7), at(heard("b", 1200, 1400), 1.9)]
    events += [at(spoken("c", 2000, 2200), 2.7), at(heard("d", 5000, 5200), 5.7)]
    found = [(span.lane, span.start, span.end) for span in spans(events)]
    assert found == [("You", 1.0, 1.4), ("Assistant", 2.0, 2.2), ("You", 5.0, 5.2)]


def test_text_that_has_no_utf8_form_is_shown_with_a_replacement():
    transcript = Transcript([heard("Hi \ud83d", 0, 200)], protocol="live")
    assert transcript[0].text == "Hi \ufffd"


@pytest.mark.parametrize("value", [None, 7, "x", [], {}, {"type": 7}, [{"id": []}]])
@pytest.mark.parametrize(
    "kind",
    ["session.started", "session.delegation.created", "response.event", "session.usage.updated", "error"],
)
def test_events_of_any_shape_are_passed_over(kind, value):
    from rtc_widget.conversation.event_reader import facts_of
    from rtc_widget.protocols.live.transcript_reducer import LiveTurns

    names = ("session", "delegation", "event", "usage", "error", "item", "response", "delta", "delegation_id")
    raw = {"type": kind, **dict.fromkeys(names, value)}
    list(facts_of(live(raw)))
    turns = LiveTurns(1, resumes=False)
    for event in (raw, {**raw, "type": "response.item.create"}, {**raw, "type": "session.thinking.append"}):
        turns.add(event, None)
    assert all(turn.status == "completed" for turn in turns.turns)


async def test_every_event_of_a_scripted_call_fits_its_model(make, page):
    pytest.importorskip("openai.types.live")
    chat = make()

    @chat.tool
    def roll(sides: int) -> int:
        "Roll a die."
        return sides

    await chat.connect()
    page.will_call("roll", sides=6)
    page.will_say("It shows six.")
    await chat.ask("Roll a die.")
    for add in (chat.instruct, chat.tell, chat.inform):
        await add("Hello.")
    await chat.update_session(tool_choice="auto")
    page.will_delegate()
    page.person_says("Once more")
    chat.interrupt()
    await chat.disconnect()
    await page.settled()
    misfits = [event.typed for event in chat.events if isinstance(event.typed, Untyped)]
    assert [(one.type, one.reason) for one in misfits] == []
    assert len({event.type for event in chat.events}) >= 17
