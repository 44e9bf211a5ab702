"""Messages to the pages that travel as one."""

from __future__ import annotations

import threading

import pytest

from rtc_widget.comm import protocol
from rtc_widget.comm.message_collector import MessageCollector
from tests.unit.waiting import eventually


def test_a_message_leaves_at_once():
    sent = []
    MessageCollector(sent.append).send(protocol.ping("p1"))
    assert sent == [protocol.ping("p1")]


def test_what_is_sent_while_messages_are_collected_travels_as_one():
    sent = []
    collector = MessageCollector(sent.append)
    with collector.collecting():
        collector.send(protocol.welcome("p1"))
        with collector.collecting():
            collector.send(protocol.ping("p1"))
        assert sent == []
    assert sent == [protocol.bundle("p1", [protocol.welcome("p1"), protocol.ping("p1")])]
    collector.send(protocol.ping("p1"))
    assert sent[1:] == [protocol.ping("p1")]


def test_another_thread_does_not_wait():
    sent = []
    collector = MessageCollector(sent.append)
    with collector.collecting():
        collector.send(protocol.welcome("p1"))
        thread = threading.Thread(target=collector.send, args=(protocol.ping("p1"),))
        thread.start()
        thread.join()
        assert sent == [protocol.ping("p1")]


def test_each_page_gets_its_own_messages():
    sent = []
    collector = MessageCollector(sent.append)
    with collector.collecting():
        for page in ("p1", "p2", "p1"):
            collector.send(protocol.ping(page))
    assert sent == [protocol.bundle("p1", [protocol.ping("p1")] * 2), protocol.ping("p2")]


def send_and_fail(collector: MessageCollector) -> None:
    with collector.collecting():
        collector.send(protocol.ping("p1"))
        raise ValueError("of a test")


def send_together(collector: MessageCollector, *messages: protocol.Message) -> None:
    with collector.collecting():
        for message in messages:
            collector.send(message)


def test_messages_leave_although_what_they_were_collected_for_failed():
    sent = []
    collector = MessageCollector(sent.append)
    with pytest.raises(ValueError, match="of a test"):
        send_and_fail(collector)
    assert sent == [protocol.ping("p1")]


def test_a_page_that_replies_while_it_receives_gets_its_reply_at_once():
    sent = []

    def transmit(message: protocol.Message) -> None:
        sent.append(message["type"])
        if message["type"] == "bundle":
            collector.send(protocol.ack("p1", 1))

    collector = MessageCollector(transmit)
    with collector.collecting():
        collector.send(protocol.ping("p1"))
        collector.send(protocol.ping("p1"))
    assert sent == ["bundle", "ack"]


def test_a_message_that_cannot_be_sent_takes_no_other_with_it():
    sent = []

    def transmit(message: protocol.Message) -> None:
        if "resend" in str(message):
            raise TypeError("of a test")
        sent.append(message)

    collector = MessageCollector(transmit)
    messages = protocol.ping("p1"), protocol.resend("p1", 1), protocol.ack("p1", 1), protocol.ping("p2")
    with pytest.raises(ExceptionGroup) as raised:
        send_together(collector, *messages)
    assert [str(error) for error in raised.value.exceptions] == ["of a test"]
    assert sent == [protocol.ping("p1"), protocol.ack("p1", 1), protocol.ping("p2")]


async def test_the_greeting_is_one_message_where_the_page_says_several_things(chat, page, monkeypatch):
    travelled, hear = [], page.hear
    monkeypatch.setattr(page, "hear", lambda message: (travelled.append(message), hear(message)))
    page.say("bundle", messages=[{"type": "hello", "page": "p1", "protocol": protocol.PROTOCOL}])
    await eventually(lambda: page.heard("preparation"))
    (bundle,) = [message for message in travelled if message["type"] == "bundle"]
    assert [message["type"] for message in bundle["messages"]] == ["welcome", "ping", "listening"]
    assert [message["on"] for message in page.heard("listening")] == [False]
