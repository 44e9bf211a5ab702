"""Messages to the pages that travel as one."""

from __future__ import annotations

import threading

from rtc_widget.comm import protocol
from rtc_widget.comm.outgoing import Outgoing
from tests.unit.waiting import eventually


async def test_a_message_leaves_at_once():
    sent = []
    Outgoing(sent.append).send(protocol.ping("p1"))
    assert sent == [protocol.ping("p1")]


async def test_what_is_sent_while_messages_are_collected_travels_as_one():
    sent = []
    outgoing = Outgoing(sent.append)
    with outgoing.collected():
        outgoing.send(protocol.welcome("p1"))
        thread = threading.Thread(target=outgoing.send, args=(protocol.ping("p1"),))
        thread.start()
        thread.join()
        assert sent == []
    await eventually(lambda: sent)
    assert sent == [protocol.bundle("p1", [protocol.welcome("p1"), protocol.ping("p1")])]
    outgoing.send(protocol.ping("p1"))
    assert sent[1:] == [protocol.ping("p1")]


async def test_each_page_gets_its_own_messages():
    sent = []
    outgoing = Outgoing(sent.append)
    with outgoing.collected():
        for page in ("p1", "p2", "p1"):
            outgoing.send(protocol.ping(page))
    await eventually(lambda: len(sent) == 2)
    assert sent == [protocol.bundle("p1", [protocol.ping("p1")] * 2), protocol.ping("p2")]


async def test_messages_leave_although_what_was_collected_for_failed():
    sent = []
    outgoing = Outgoing(sent.append)
    try:
        with outgoing.collected():
            outgoing.send(protocol.ping("p1"))
            raise ValueError
    except ValueError:
        await eventually(lambda: sent == [protocol.ping("p1")])


async def test_the_greeting_of_a_page_that_says_several_things_is_one_message(chat, page):
    page.say("bundle", messages=[{"type": "hello", "page": "p1", "protocol": protocol.PROTOCOL}])
    await eventually(lambda: page.heard("bundle"))
    assert [message["type"] for message in page.heard("bundle")[0]["messages"]] == [
        "welcome",
        "ping",
        "listening",
        "preparation",
    ]
