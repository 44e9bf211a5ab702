"""How many peers there are, how they end, and what a page leaves."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec

import pytest

from rtc_widget.errors import HeadlessNotInstalled
from rtc_widget.headless.page import page_thread
from rtc_widget.headless.peer_page import HeadlessPeerPage
from tests.limits import eventually
from tests.unit.headless.peer_driver import (
    TONE,
    both_engines,
    connected,
    negotiate,
    nothing_goes_on,
    open_peers,
    page_tasks,
    refused,
)


@both_engines
async def test_a_closed_peer_refuses_all_but_its_statistics(make, engine):
    before = await page_tasks()
    a = make(engine)
    await a("create_data_channel", label="chat", options={})
    await a("close")
    assert (a.pc("signaling_state"), a.pc("connection_state")) == ("closed", "closed")
    assert a.objects["channel:1"]["ready_state"] == "closed"
    for operation in (a("create_offer", ice_restart=False), a("add_track", media=TONE), a("add_ice_candidate")):
        assert (await refused(operation)).code == "InvalidStateError"
    assert "reports" in await a("get_stats", of=None)
    await a("close")
    last = len(a.events)
    await nothing_goes_on(before)
    await a("get_stats", of=None)  # its reply is behind all events
    assert {name for _, name, _ in a.events[last:]} == {"operation"}


@both_engines
async def test_the_other_side_sees_that_a_peer_has_left(make, engine):
    a, b = make(engine), make(engine)
    await a("add_track", media=TONE)
    await negotiate(a, b)
    await connected(a, b)
    await a("close")
    transport = b.objects["receiver:1"]["transport"]
    await b.until("state", "closed", transport)
    await b.until("connection_state", "disconnected")
    assert b.pc("signaling_state") == "stable", "only its own close makes it closed"


@both_engines
async def test_an_operation_that_a_close_overtakes_is_refused(make, engine):
    a = make(engine)
    await a.create()
    forever = asyncio.ensure_future(a("add_track", media={"kind": "clip", "clip": "never"}))
    await eventually(lambda: a.payloads("operation")[-1]["op"] == "add_track")
    await a("close")
    assert (await refused(forever)).code == "InvalidStateError"


async def test_a_ninth_peer_is_refused_until_one_is_closed(make):
    first, *others, last = [make("aiortc") for _ in range(9 - len(open_peers()))]
    for page in (first, *others):
        await page.create()
    ninth = await refused(last.create())
    assert (ninth.code, "8 open peer" in ninth.message, "close()" in ninth.hint) == ("too_many_peers", True, True)
    await first("close")
    await last.create()


@both_engines
async def test_a_page_creates_no_second_peer_while_one_is_open(make, engine):
    a = make(engine)
    [first, second] = await asyncio.gather(a.create(), a.create())
    assert first == second == await a.create()
    await a("close")
    assert await a.create() != first


@both_engines
async def test_a_peer_of_another_page_is_not_found(make, engine):
    a = make(engine)
    await a.create()
    unknown = await refused(a.request("create_offer", "c-other", {"ice_restart": False}))
    assert unknown.code == "peer_not_found"
    defect = await refused(a.request("explode", a.peer, {}))
    assert defect.code == "unexpected"


async def test_pings_are_answered_and_events_sent_again(make):
    a = make("aiortc")
    a.acknowledges = False
    await a("create_data_channel", label="chat", options={})
    a.page.hear({"type": "ping", "page": a.id})
    await eventually(lambda: a.messages[-1]["type"] == "pong")
    a.page.hear({"type": "cancel", "page": a.id, "request": "k:1"})
    batches = [message for message in a.messages if message["type"] == "peer_events"]
    a._next = 0
    a.page.hear({"type": "resend", "page": a.id, "first": 0})
    sent = [event for batch in batches for event in batch["events"]]
    await eventually(lambda: a._next >= len(sent))
    first = next(message for message in reversed(a.messages) if message.get("first") == 0)
    assert first["events"][: len(sent)] == sent[: len(first["events"])]
    reply = [message for message in a.messages if message["type"] == "reply"][-1]
    assert reply["seq"] == len(sent)


async def test_a_closed_page_sends_nothing_more_and_leaves_nothing(make):
    before, open_before = await page_tasks(), open_peers()
    a, b = make("aiortc"), make("aiortc")
    await a("add_track", media=TONE)
    await negotiate(a, b)
    await connected(a, b)
    assert await page_tasks() - before
    await asyncio.wrap_future(a.page._end())
    await asyncio.wrap_future(b.page._end())
    await asyncio.sleep(0)
    count = len(a.messages)
    await nothing_goes_on(before)
    a.page.hear({"type": "ping", "page": a.id})
    late = {"type": "peer", "page": a.id, "id": "k:99", "peer": None, "op": "create", "args": {"configuration": {}}}
    a.page.hear(late)
    await asyncio.wrap_future(page_thread().run(asyncio.sleep(0)))
    await nothing_goes_on(before)
    assert len(a.messages) == count
    assert open_peers() == open_before


def test_the_engine_is_chosen_and_what_is_missing_is_said(monkeypatch):
    with pytest.raises(ValueError, match="engine must be"):
        HeadlessPeerPage(engine="gecko")
    missing = {"webrtc", "wrtc"}
    monkeypatch.setattr(
        "rtc_widget.headless.peer_page.find_spec", lambda name: None if name in missing else find_spec(name)
    )
    assert HeadlessPeerPage().engine == "aiortc"
    assert HeadlessPeerPage().name == "aiortc"
    with pytest.raises(HeadlessNotInstalled, match=r"rtc-widget\[teach\]"):
        HeadlessPeerPage(engine="wrtc")
    missing.add("aiortc")
    with pytest.raises(HeadlessNotInstalled, match=r"rtc-widget\[teach\]"):
        HeadlessPeerPage()
    with pytest.raises(HeadlessNotInstalled, match=r"rtc-widget\[local\]"):
        HeadlessPeerPage(engine="aiortc")
