"""The headless page sends the messages of the contract, in order."""

from __future__ import annotations

import asyncio
import json

import pytest

from rtc_widget.comm import protocol
from rtc_widget.comm.known_page import EventReceiver
from rtc_widget.comm.settings import CallSettings
from rtc_widget.conversation.events import Event
from rtc_widget.errors import InvalidKey, KernelTimeout, WidgetClosed
from rtc_widget.headless.bridge import PageBridge
from rtc_widget.headless.outbox import MediaOutbox, Outbox
from rtc_widget.headless.page import HeadlessPage
from rtc_widget.headless.resumption import Resumption
from rtc_widget.headless.session import PageSession
from rtc_widget.protocols.realtime.protocol import PROTOCOL
from tests.limits import HANGS
from tests.unit.waiting import eventually


async def test_hello_and_state_are_understood_by_the_kernel():
    page, sent = HeadlessPage(), []
    page.open(sent.append)
    hello = protocol.decode(sent[0])
    assert hello.protocol == protocol.PROTOCOL
    page.hear(protocol.welcome(hello.page))
    await eventually(lambda: sent[-1]["type"] == "state")
    state = protocol.decode(sent[-1])
    assert (state.seq, state.attempt, state.state.status) == (1, None, "idle")


async def test_news_for_other_pages_is_no_request(caplog):
    page, sent = HeadlessPage(), []
    page.open(sent.append)
    name = sent[0]["page"]
    page.hear(protocol.welcome(name))
    await eventually(lambda: sent[-1]["type"] == "state")
    page.hear(protocol.log_grew(name, 3))
    page.hear({"type": "ping", "page": name})
    await eventually(lambda: {"pong", "history"} <= {message["type"] for message in sent})
    assert "reply" not in [message["type"] for message in sent]
    assert not [record for record in caplog.records if "failed" in record.message]


@pytest.mark.parametrize("when", ["before", "during", "after"])
async def test_a_closed_page_asks_for_no_events_of_other_pages(when):
    session = PageSession("h1", [].append, CallSettings().to_wire())
    news = {"type": "log_grew", "next": 3}
    if when == "before":
        session.receive(news)
        await asyncio.sleep(0)
    if when == "during":
        asyncio.get_running_loop().call_soon(session.receive, news)
        session._run(asyncio.sleep(0.01))
    await session.close()
    if when == "after":
        session.receive(news)
    assert not session._tasks


async def test_an_error_is_logged_once_by_the_page_or_by_the_kernel_half(caplog):
    session = PageSession("h1", [].append, CallSettings().to_wire())
    for code in ("insufficient_quota", "invalid_value"):
        session.event_passed("a1", "received", json.dumps({"type": "error", "error": {"code": code, "message": code}}))
    assert ["invalid_value" in record.getMessage() for record in caplog.records] == [True]


async def test_a_request_of_a_closed_bridge_fails_at_once():
    bridge = PageBridge("h1", [].append)
    bridge.close()
    with pytest.raises(WidgetClosed):
        await bridge.request("prepare", limit=HANGS)


async def test_events_reach_the_kernel_once_and_in_order_however_they_were_batched():
    receiver, got, batches = EventReceiver("h1"), [], []

    def post(attempt, first, events):
        message = protocol.decode(
            {"type": "events", "page": "h1", "attempt": attempt, "first": first, "events": events}
        )
        batches.append(len(message.events))
        received = receiver.take(message)
        got.extend(event.text for event in received.events)
        outbox.acknowledge(received.reply["next"])

    outbox = Outbox(post)
    for number in range(500):
        outbox.add("a1", ["received", 0.0, f"{number}"], 3)
    outbox.add("a2", ["sent", 0.0, "of the next call"], 16)
    assert outbox.count == 501
    outbox.flush()
    assert got == [*map(str, range(500)), "of the next call"]
    assert batches[0] == 1, "the first leaves at once"
    assert len(batches) < 10
    outbox.resend_from(0)
    assert len(got) == 501
    outbox.close()


async def test_events_wait_no_longer_than_a_frame():
    batches = []
    outbox = Outbox(lambda attempt, first, events: batches.append(events))
    outbox.add("a1", ["received", 0.0, "1"], 1)
    outbox.add("a1", ["received", 0.0, "2"], 1)
    assert len(batches) == 1
    await asyncio.sleep(0.05)
    assert [text for _, _, text in batches[1]] == ["2"]
    outbox.close()


def test_sound_that_the_kernel_misses_is_sent_again():
    sent = []
    outbox = MediaOutbox(lambda **message: sent.append(message["number"]))
    for _ in range(3):
        outbox.post("audio")
    outbox.acknowledge(1, missing=True)
    assert sent == [0, 1, 2, 1, 2]


async def test_a_request_raises_what_the_kernel_answers():
    sent = []
    bridge = PageBridge("h1", sent.append)
    asking = asyncio.ensure_future(bridge.request("prepare", limit=1, attempt="a1"))
    await asyncio.sleep(0)
    bridge.receive_reply(protocol.failure("h1", sent[0]["id"], InvalidKey("No such key.").to_wire()))
    with pytest.raises(InvalidKey, match="No such key"):
        await asking


async def test_a_kernel_that_does_not_answer_is_given_up_and_a_late_answer_is_told():
    sent, late = [], []
    bridge = PageBridge("h1", sent.append)
    with pytest.raises(KernelTimeout):
        await bridge.request("exchange", limit=0.01, on_late_reply=lambda: late.append(1), attempt="a1", sdp="v=0")
    bridge.receive_reply(protocol.result("h1", sent[0]["id"], {"sdp": "v=0", "call_id": "rtc_1"}))
    assert late == [1]


async def test_a_request_that_is_called_off_just_when_its_answer_comes_is_called_off():
    sent = []
    bridge = PageBridge("h1", sent.append)
    asking = asyncio.ensure_future(bridge.request("prepare", limit=5, attempt="a1"))
    await asyncio.sleep(0)
    bridge.receive_reply(protocol.result("h1", sent[0]["id"], {}))
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


def test_a_session_that_expires_is_told_from_a_server_that_hangs_up():
    text = '{"type": "error", "error": {"code": "session_expired", "message": "Sixty minutes."}}'
    assert PROTOCOL.session_end(text) == "Sixty minutes."
    assert PROTOCOL.session_end('{"type": "error", "error": {"code": "other"}}') is None
    assert PROTOCOL.session_end('{"about": "session_expired"}') is None


def test_a_new_call_is_told_the_settings_and_what_was_said():
    resumption = Resumption(PROTOCOL)
    resumption.begin_call(resumes=False)
    change = '{"type": "session.update", "session": {"voice": "x"}}'
    text = '{"type": "response.output_text.done", "item_id": "i1", "text": "Hello"}'
    resumption.consume(Event.from_text(change, direction="sent", time_ms=0.0), change)
    resumption.consume(Event.from_text(text, direction="received", time_ms=0.0), text)
    [update], [item] = resumption.events()
    assert '"voice": "x"' in update
    assert '"output_text", "text": "Hello"' in item
    assert '"carried_' in item
    resumption.begin_call(resumes=False)
    assert resumption.events() == []


def test_a_change_is_repeated_once_after_each_reconnect():
    resumption = Resumption(PROTOCOL)
    resumption.begin_call(resumes=False)
    change = '{"type": "session.update", "session": {"voice": "x"}}'
    resumption.consume(Event.from_text(change, direction="sent", time_ms=0.0), change)
    for _ in range(3):
        repeated = resumption.events()
        assert repeated == [[change]]
        resumption.begin_call(resumes=True)
        for [text] in repeated:
            resumption.consume(Event.from_text(text, direction="sent", time_ms=0.0), text)


async def test_an_event_that_cannot_be_understood_reaches_the_kernel_all_the_same(monkeypatch):
    sent = []
    session = PageSession("p1", sent.append, CallSettings().to_wire())
    monkeypatch.setattr(session._resumption, "consume", lambda event, text: 1 // 0)
    responding = []
    monkeypatch.setattr(session._push_to_talk, "consume", responding.append)
    session.event_passed("a1", "received", '{"type": "response.created", "response": {"id": "r1"}}')
    await session.close()
    [batch] = [message for message in sent if message["type"] == "events"]
    assert len(batch["events"]) == len(responding) == 1
