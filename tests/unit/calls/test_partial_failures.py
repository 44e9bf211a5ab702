"""A failure on the way of an event affects nothing else."""

from __future__ import annotations

import asyncio

import pytest

from rtc_widget import VoiceChat
from rtc_widget.calls.record import CallRecord
from rtc_widget.comm.messages import WireEvent
from rtc_widget.errors import NotConnected, PageNotFound
from rtc_widget.protocols.realtime.protocol import PROTOCOL
from tests.limits import HANGS
from tests.unit.server_double import ASK, ITEM, call
from tests.unit.waiting import settled


class _Clumsy:
    def begin_call(self, *, resumes):
        """Nothing to do."""

    def consume(self, event):
        if event.type == "first":
            raise RuntimeError("a fault")

    def end_call(self):
        """Nothing to do."""


def wire(*types):
    return tuple(WireEvent("received", 1000.0 + n, f'{{"type": "{kind}"}}') for n, kind in enumerate(types))


def test_events_after_one_that_fails_are_kept():
    record = CallRecord(lambda values: None, PROTOCOL)
    record.consumers = [_Clumsy()]
    record.page_events("a1", wire("first", "second"), 0.0)
    assert [event.type for event in record.events] == ["first", "second"]


def test_an_async_callback_without_a_loop_is_a_failure_and_takes_no_event_with_it():
    record = CallRecord(lambda values: None, PROTOCOL)

    async def hear(event):
        """Never run."""

    record.subscriptions.add("*", hear)
    record.page_events("a1", wire("first", "second"), 0.0)
    assert len(record.events) == 2
    assert [failure.event.type for failure in record.failures] == ["first", "second"]


async def test_a_condition_that_raises_stop_iteration_fails_the_wait(chat, server):
    await server.connect()
    waiting = asyncio.ensure_future(chat.wait_for("x", where=lambda event: next(iter(()))))
    await settled()
    await server.says({"type": "x"})
    with pytest.raises(RuntimeError, match="StopIteration"):
        await waiting


async def test_a_tool_call_that_comes_without_a_loop_is_answered(chat, server):
    chat.tool(_now)
    await server.connect(tools=[{"name": "_now"}])
    await server.begins()
    done = '{"type": "response.done", "response": {"id": "r1", "status": "completed", "output": [%s]}}'
    item = '{"type": "function_call", "id": "fc_1", "name": "_now", "arguments": "{}", "call_id": "c1"}'
    event = WireEvent("received", 1000.0, done % item)
    await asyncio.to_thread(chat._record.page_events, "a1", (event,), 0.0)
    output, _ = await server.takes(ITEM, ASK)
    assert "no event loop" in output["item"]["output"]


def _now() -> str:
    return "now"


async def test_a_call_that_ends_as_its_answer_begins_ends_the_question(chat, server, page):
    await server.connect()
    asking = asyncio.ensure_future(chat.ask("Hello?", timeout=HANGS))
    await server.confirms(*await server.takes(ITEM, ASK))
    chat._record.page_events("a1", (_created("r1"),), 0.0)
    chat._session.end_call()
    with pytest.raises(NotConnected):
        await asking


def _created(response_id):
    text = f'{{"type": "response.created", "response": {{"id": "{response_id}", "conversation_id": "conv_1"}}}}'
    return WireEvent("received", 2000.0, text)


async def test_a_question_ends_with_the_call_although_a_tool_runs_on(chat, server, page):
    gate = asyncio.Event()

    @chat.tool
    async def slow() -> str:
        await gate.wait()
        return "done"

    await server.connect(tools=[{"name": "slow"}])
    asking = asyncio.ensure_future(chat.ask("Hello?", timeout=HANGS))
    await server.confirms(*await server.takes(ITEM, ASK))
    await server.begins()
    await server.ends("r1", call("slow"))
    await settled()
    assert chat.tools.calls[0].status == "running"
    page.state(None, status="idle", data_channel_state="closed")
    with pytest.raises(NotConnected):
        await asking
    gate.set()
    await settled()
    assert chat.tools.calls[0].status == "completed"


async def test_sending_when_the_page_has_just_left_says_that_there_is_no_call(chat, server, page):
    await server.connect()
    page.say("goodbye")
    chat._record._write({"data_channel_state": "open"})  # the state may lag behind
    with pytest.raises(NotConnected, match="has left"):
        chat.send({"type": "x"})


async def test_closing_ends_what_waits_for_the_call(chat, server, page):
    await server.connect()
    stream = chat.stream()
    reading = asyncio.ensure_future(_all_of(stream))
    asking = asyncio.ensure_future(chat.ask("Hello?", timeout=HANGS))
    await server.takes(ITEM, ASK)
    chat.close()
    assert (chat.status, chat.data_channel_state, chat.active_page) == ("idle", "closed", None)
    page.connected()  # was under way
    await asyncio.wait_for(reading, HANGS)
    with pytest.raises(NotConnected):
        await asking
    assert chat.status == "idle"
    with pytest.raises(NotConnected):
        chat.send({"type": "x"})


async def _all_of(stream):
    return [event async for event in stream]


async def test_a_late_release_of_a_page_is_ignored(chat, server, page, monkeypatch):
    monkeypatch.setattr("rtc_widget.comm.liveness.ACTIVE_PAGE_SECONDS", 0.05)
    await server.connect()
    other = page.beside("p2")
    other.hello()
    other.state("b1", status="connecting")
    other.say("exchange", id="p2:1", attempt="b1", sdp="v=0\r\noffer\r\n")
    request = await page.hears("release_call")
    await other.hears("reply")
    page.say("reply", id=request["id"], seq=3, result={})
    await settled()
    assert chat.active_page == "p2"


async def test_late_events_of_an_earlier_call_are_logged_and_begin_no_call(chat, server, page):
    seen = []
    chat.on("*", lambda event: seen.append(event.type))
    await server.connect("a1")
    page.connected("a2")
    page.events({"type": "session.created", "session": {"tools": [], "voice": "marin"}}, attempt="a2")
    page.events({"type": "late"}, attempt="a1")
    page.events({"type": "now"}, attempt="a2")
    page.events({"type": "later"}, attempt="a2")
    await settled()
    assert [event.type for event in chat.events] == ["session.created", "session.created", "late", "now", "later"]
    assert seen == ["session.created", "session.created", "now", "later"]
    calls = [(start.first, start.continues_call) for start in chat._record.history()[1]]
    assert calls == [(0, None), (1, None), (2, 1), (3, 2)], "the late one stands in the first call's part of the log"


async def test_late_words_of_an_earlier_call_are_its_own_by_time_and_place(chat, server, page, tmp_path):
    began = page.now_ms

    def at(seconds, event, attempt):
        page.now_ms = began + 1000 * seconds
        page.events(event, attempt=attempt)

    created, said = {"type": "session.created", "session": {}}, {"type": "response.output_text.done", "item_id": "i1"}
    await server.connect("a1")
    page.state("a2", resumes=True, status="connected", data_channel_state="open")
    at(9, created, "a2")
    page.connected("b1")
    at(60, created, "b1")
    at(10, {**said, "text": "I was about to say"}, "a2")
    at(61, {**said, "text": "Hello"}, "b1")
    await settled()
    assert [event.elapsed for event in chat.events] == [0, 9, 0, 10, 1]
    assert [(turn.call, turn.text) for turn in chat.transcript] == [(2, "I was about to say"), (3, "Hello")]
    again = VoiceChat.load(chat.save(tmp_path / "late.zip"))
    assert str(again.transcript) == str(chat.transcript)


async def test_speaking_ends_when_the_connection_is_lost(chat, server, page):
    await server.connect()
    await server.says({"type": "input_audio_buffer.speech_started"}, {"type": "output_audio_buffer.started"})
    assert (chat.user_speaking, chat.assistant_speaking) == (True, True)
    page.state("a1", status="reconnecting", data_channel_state="closed")
    await settled()
    assert (chat.user_speaking, chat.assistant_speaking) == (False, False)


async def test_a_request_to_a_page_that_leaves_does_not_wait_for_it(chat, server, page):
    await server.connect()
    asking = asyncio.ensure_future(chat.devices(timeout=HANGS))
    await page.hears("devices")
    page.say("goodbye")
    with pytest.raises(PageNotFound, match="page left"):
        await asyncio.wait_for(asking, HANGS)


async def test_numbers_beyond_a_float_hold_up_no_other_event(chat, server):
    await server.connect()
    huge = 10**400
    detection = {"audio": {"input": {"turn_detection": {"silence_duration_ms": huge}}}}
    usage = {"input_tokens": huge, "output_token_details": {"audio_tokens": huge}}
    await server.says(
        {"type": "session.updated", "session": detection},
        {"type": "response.done", "response": {"id": "r1", "status": "completed", "output": [], "usage": usage}},
        {"type": "input_audio_buffer.speech_started", "item_id": "i1"},
    )
    assert chat.user_speaking
    assert len(chat.latency()) == 0
    assert chat.usage.total_tokens == 0
