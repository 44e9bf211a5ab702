"""Received events: logged once and in order, awaited, streamed, and passed to callbacks."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from rtc_widget.errors import NotConnected, WaitTimeout
from rtc_widget.testing.raw_page import CONNECTED
from tests.limits import HANGS
from tests.unit.waiting import settled


async def test_who_observes_the_status_finds_the_other_traits_as_they_are(chat, page):
    seen = []
    chat.observe(lambda change: seen.append((change.new, chat.data_channel_state, chat.error)), "status")
    page.hello()
    page.connected()
    gone = {"code": "server_hung_up", "message": "It has gone.", "hint": "Connect again."}
    page.state("a1", status="error", error=gone)
    await settled()
    assert seen == [("connected", "open", None), ("error", "closed", gone)]


async def test_an_event_that_came_in_time_counts_though_a_cell_held_up_the_loop(chat, page):
    page.hello()
    page.connected()
    waiting = asyncio.ensure_future(chat.wait_for("late", timeout=0.1))
    await settled()
    page_thread = threading.Thread(target=page.events, args=({"type": "late"},))
    page_thread.start()
    page_thread.join()
    time.sleep(0.3)  # noqa: ASYNC251 - as a cell does
    assert (await waiting).type == "late"


async def test_an_observer_that_fails_holds_up_nothing(chat, page, caplog):
    def fails(change):
        raise ValueError("mine")

    chat.observe(fails, ["status", "user_speaking"])
    page.hello()
    page.connected()
    page.events({"type": "a"}, {"type": "input_audio_buffer.speech_started"}, {"type": "b"})
    await settled()
    assert (chat.status, chat.connection_state, chat.data_channel_state) == ("connected", "connected", "open")
    assert [event.type for event in chat.events] == ["a", "input_audio_buffer.speech_started", "b"]
    assert "mine" in caplog.text


async def test_what_an_observer_raises_is_kept_shown_and_logged(chat, page, caplog):
    def fails(change):
        raise ValueError("mine")

    page.hello()
    chat.observe(fails, "status")
    page.connected()
    await settled()
    (failure,) = chat.errors
    assert (failure.observer, failure.change["new"]) == (fails, "connected")
    assert isinstance(failure.error, ValueError)
    note = page.heard("note")[-1]
    assert (note["code"], note["message"]) == ("observer_failed", "fails failed on status: ValueError: mine")
    assert caplog.text.count("ValueError: mine") == 2  # the sentence, and the end of the traceback
    chat.unobserve(fails, "status")
    page.state(status="reconnecting")
    await settled()
    assert len(chat.errors) == 1


async def test_an_observer_that_fails_does_not_stop_the_assignment_of_a_setting(chat):
    chat.observe(lambda change: 1 / 0, "view_timeout")
    chat.view_timeout = 5.0
    assert isinstance(chat.errors[-1].error, ZeroDivisionError)
    assert chat.settings["view_timeout"] == 5.0


async def test_an_observer_that_fails_while_the_widget_closes_is_kept(chat, page):
    page.hello()
    page.connected()
    await settled()
    chat.observe(lambda change: 1 / 0, "status")
    chat.close()
    await settled()
    assert [type(failure.error) for failure in chat.errors] == [ZeroDivisionError]


async def test_a_cell_that_is_run_again_replaces_its_observers(chat, page):
    seen = []
    names = {"chat": chat, "seen": seen}
    for run in (1, 2):
        exec(f"def show(change): seen.append({run})\nchat.observe(show, ['status', 'muted'])", names)
    page.hello()
    page.connected()
    await settled()
    assert seen == [2]


async def test_a_link_to_another_widget_can_be_made_and_removed(chat, page):
    import traitlets

    class Lamp(traitlets.HasTraits):
        on = traitlets.Unicode()

    lamp = Lamp()
    link = traitlets.dlink((chat, "status"), (lamp, "on"))
    page.hello()
    page.connected()
    await settled()
    assert lamp.on == "connected"
    link.unlink()
    page.state(status="reconnecting")
    await settled()
    assert (chat.status, lamp.on) == ("reconnecting", "connected")


async def test_an_event_of_an_odd_shape_takes_no_other_with_it(chat, page):
    page.hello()
    page.events(
        {"type": "response.done", "response": {"output": 5}},
        {"type": "conversation.item.added", "item": {"id": "i", "type": "message", "role": "user", "content": {}}},
        {"type": "response.output_text.delta", "item_id": "a", "delta": "Hi"},
    )
    await settled()
    assert len(chat.events) == 3
    assert chat.transcript[-1].text == "Hi"


async def test_events_are_logged_published_and_folded_in_order(chat, page):
    seen = []
    chat.on("response.*", lambda event: seen.append(event.type))
    page.hello()
    page.events({"type": "session.created"}, {"type": "response.created", "response": {"id": "r1"}})
    page.events({"type": "response.output_audio_transcript.delta", "item_id": "i1", "delta": "Hello"})
    await settled()
    assert [event.type for event in chat.events] == [
        "session.created",
        "response.created",
        "response.output_audio_transcript.delta",
    ]
    assert seen == ["response.created", "response.output_audio_transcript.delta"]
    assert [str(turn) for turn in chat.transcript] == ["assistant: Hello"]
    assert page.heard("ack")[-1]["next"] == 3


async def test_a_gap_is_detected_and_nothing_is_lost_or_doubled(chat, page):
    page.hello()
    page.events({"type": "a"})
    page.events({"type": "c"}, first=2)
    assert page.heard("resend") == [{"type": "resend", "page": "p1", "first": 1}]
    page.events({"type": "b"}, {"type": "c"}, first=1)
    page.events({"type": "b"}, {"type": "c"}, {"type": "d"}, first=1)
    await settled()
    assert [event.type for event in chat.events] == ["a", "b", "c", "d"]


async def test_an_empty_batch_shows_that_the_last_one_was_lost(chat, page):
    page.hello()
    page.events(first=3)
    assert page.heard("resend") == [{"type": "resend", "page": "p1", "first": 0}]


async def test_wait_for_returns_the_next_event_of_a_type(chat, page):
    page.hello()
    waiting = asyncio.ensure_future(chat.wait_for("response.done", timeout=HANGS))
    await settled()
    page.events({"type": "response.created"}, {"type": "response.done", "response": {"status": "completed"}})
    event = await waiting
    assert event.response.status == "completed"


async def test_wait_for_gives_up_in_time(chat):
    with pytest.raises(TimeoutError) as caught:
        await chat.wait_for("response.done", timeout=0.01)
    assert isinstance(caught.value, WaitTimeout)
    assert "response.done" in str(caught.value)


async def test_waiting_ends_with_the_call_in_which_it_began_and_not_with_another(chat, page):
    page.hello()
    before = asyncio.ensure_future(chat.wait_for("x", timeout=HANGS))
    await settled()
    page.connected()
    await settled()
    during = asyncio.ensure_future(chat.wait_for("x", timeout=None))
    await settled()
    page.state(None, status="idle")
    with pytest.raises(NotConnected, match="ended before a 'x' event"):
        await asyncio.wait_for(during, HANGS)
    assert not before.done()
    page.events({"type": "x"})
    assert (await before).type == "x"


async def test_an_invalid_type_or_callback_is_refused_at_once(chat):
    def listening(event): ...

    with pytest.raises(TypeError, match=r'@chat\.on\("response\.done"\)'):
        chat.on(listening)
    with pytest.raises(TypeError, match="must be callable"):
        chat.on("x", "y")
    with pytest.raises(TypeError, match="type must be a string, got 5"):
        await chat.wait_for(5)
    with pytest.raises(TypeError, match="type must be a string"):
        chat.stream(None)


async def test_wait_for_takes_a_condition_and_says_what_it_raises(chat, page):
    page.hello()
    waiting = asyncio.ensure_future(chat.wait_for("x", timeout=HANGS, where=lambda event: event.n == 2))
    odd = asyncio.ensure_future(chat.wait_for("x", timeout=HANGS, where=lambda event: event.nothing))
    await settled()
    page.events({"type": "x", "n": 1}, {"type": "x", "n": 2})
    assert (await waiting).n == 2
    with pytest.raises(AttributeError, match="nothing"):
        await odd


async def test_a_stream_loses_nothing_between_two_reads_and_ends_with_the_call(chat, page):
    with pytest.raises(NotConnected):
        chat.stream()
    page.hello()
    page.connected()
    await settled()
    seen = []
    stream = chat.stream("x.*")
    page.events({"type": "x.1"}, {"type": "y"}, {"type": "x.2"})

    async def read():
        async for event in stream:
            seen.append(event.type)
            if event.type == "x.2":
                page.events({"type": "x.3"})
                page.state(None, status="idle")
                await asyncio.sleep(0.02)

    await asyncio.wait_for(read(), HANGS)
    assert seen == ["x.1", "x.2", "x.3"]


async def test_a_callback_that_fails_stops_no_other_callback(chat, page, caplog):
    seen = []

    @chat.on("x")
    def fails(event):
        raise ValueError("mine")

    async def works(event):
        seen.append(event.type)

    chat.on("x", works)
    page.hello()
    page.events({"type": "x"})
    await settled()
    assert seen == ["x"]
    assert "mine" in caplog.text
    assert str(chat.errors[0]) == "fails failed on x: ValueError: mine"
    chat.off("x", works)
    page.events({"type": "x"})
    await settled()
    assert seen == ["x"]


async def test_who_speaks_is_known(chat, page):
    page.hello()
    page.connected()
    page.events({"type": "input_audio_buffer.speech_started"}, {"type": "output_audio_buffer.started"})
    await settled()
    assert (chat.user_speaking, chat.assistant_speaking) == (True, True)
    page.state(None, status="idle")
    await settled()
    assert (chat.user_speaking, chat.assistant_speaking) == (False, False)


@pytest.mark.parametrize("end", ["speech_stopped", "committed", "cleared"])
async def test_speaking_ends_when_the_turn_is_committed_or_discarded(chat, page, end):
    page.hello()
    page.connected()
    page.events({"type": "input_audio_buffer.speech_started"})
    await settled()
    assert chat.user_speaking
    page.events({"type": f"input_audio_buffer.{end}"})
    await settled()
    assert not chat.user_speaking


async def test_a_recovered_call_shows_its_seam_in_the_transcript(chat, page):
    page.hello()
    page.connected("a1")
    answer = {"type": "response.output_text.done"}
    page.events({**answer, "item_id": "i1", "text": "Before."})
    page.state("a2", resumes=True, **CONNECTED)
    carried = {"id": "carried_1", "type": "message", "role": "assistant", "content": [{"text": "Before."}]}
    page.events(
        {"type": "conversation.item.added", "item": carried},
        {**answer, "item_id": "i2", "text": "After."},
        attempt="a2",
    )
    page.events({**answer, "item_id": "i3", "text": "Anew."}, attempt="a3")
    await settled()
    assert str(chat.transcript).splitlines() == [
        "assistant: Before.",
        "── connected again ──",
        "assistant: After.",
        "── new call ──",
        "assistant: Anew.",
    ]
    assert [turn.call for turn in chat.transcript] == [1, 2, 3]


async def test_rubbish_from_the_page_does_no_harm(chat, page, caplog):
    page.say("nonsense")
    page.say("state", seq=1, attempt=None, resumes=False, state={"status": "flying"})
    page.say("events", attempt="a1", first=0, events=["x"])
    chat._bridge.receive(7)
    page.events("no json {", "[1]", '{"no": "type"}')
    await settled()
    assert [event.type for event in chat.events] == ["rtc_widget.unreadable", "rtc_widget.unreadable", ""]
    assert chat.events[0].text == "no json {"
    assert "flying" in caplog.text
