"""The life of a peer connection: it ends with `close`, its page, its widget; nothing is left open."""

from __future__ import annotations

import asyncio
import gc
import sys
from types import SimpleNamespace

import pytest

from rtc_widget import PeerConnection, errors
from rtc_widget.errors import PageNotFound, PageTimeout, PeerClosed
from rtc_widget.kernel import ipykernel
from tests.limits import HANGS, eventually
from tests.unit.comm_double import RecordingComm
from tests.unit.peers.page_double import CLOSED, PeerPage, fault
from tests.unit.waiting import settled


async def connected(pc, page):
    """Open a connection with a channel, a sender and their transports."""
    channel = await pc.create_data_channel("chat")
    page.event(
        "connectionstatechange",
        pc={"connection_state": "connected", "sctp": "sctp:1", "senders": ["sender:1"]},
        channel_1={"label": "chat", "ready_state": "open"},
        sender_1={"track": "track:1", "transport": "dtls:1"},
        track_1={"kind": "audio", "ready_state": "live"},
        sctp_1={"state": "connected", "transport": "dtls:1"},
        dtls_1={"state": "connected", "ice_transport": "ice:1"},
        ice_1={"state": "connected"},
    )
    await eventually(lambda: pc.connection_state == "connected")
    return channel


async def test_close_closes_at_once_and_keeps_the_widget(pc, page):
    await connected(pc, page)
    closing = pc.close()
    assert page.operations[-1] == "close"
    await closing
    assert pc.signaling_state == "closed"
    assert not page.is_closed


async def test_close_need_not_be_awaited(pc, page):
    await connected(pc, page)
    pc.close()
    gc.collect()
    await eventually(lambda: pc.signaling_state == "closed")


async def test_closing_before_the_first_operation_asks_no_page(pc, page):
    await pc.close()
    assert (pc.signaling_state, pc.connection_state, page.requests) == ("closed", "closed", [])
    with pytest.raises(PeerClosed, match=r"Create a new `PeerConnection\(\)`"):
        await pc.create_offer()


async def test_closing_while_it_is_created_closes_what_comes(pc, page):
    creating = []
    page.replies["create"] = creating.append
    offer = asyncio.create_task(_outcome(pc.create_offer()))
    await eventually(lambda: creating)
    closing = pc.close()
    page.reply(creating[0], {"peer": "c1"})
    assert isinstance(await offer, PeerClosed)
    await closing
    assert page.operations == ["create", "close"]


async def cancelled_create(pc, page):
    """Begin an operation, and cancel it while the page creates the connection."""
    creating = []
    page.replies["create"] = creating.append
    offer = asyncio.create_task(_outcome(pc.create_offer()))
    await eventually(lambda: creating)
    offer.cancel()
    await asyncio.gather(offer, return_exceptions=True)


@pytest.mark.parametrize("attempts", [1, 2])
async def test_closing_after_a_cancelled_create_closes_what_the_page_has_created(pc, page, attempts):
    await cancelled_create(pc, page)
    page.event("operation", {"call": 1, "op": "create", "phase": "settled"})
    await eventually(lambda: len(pc.events))
    for _ in range(attempts - 1):
        await cancelled_create(pc, page)
    await pc.close()
    assert (page.operations[-1], page.requests[-1]["peer"]) == ("close", "c1")


async def test_a_connection_that_comes_after_its_create_was_cancelled_and_closed_is_closed(pc, page):
    await cancelled_create(pc, page)
    await pc.close()
    page.event("operation", {"call": 1, "op": "create", "phase": "settled"})
    await eventually(lambda: page.operations[-1] == "close")


async def test_an_operation_after_a_cancelled_create_uses_the_connection_that_it_made(pc, page):
    await cancelled_create(pc, page)
    page.event("operation", {"call": 1, "op": "create", "phase": "settled"})
    del page.replies["create"]
    await pc.create_offer()
    assert [(request["op"], request["peer"]) for request in page.requests[1:]] == [
        ("create", None),
        ("create_offer", "c1"),
    ]


async def test_a_closed_connection_refuses_operations_and_events(pc, page):
    await connected(pc, page)
    await pc.close()
    for operation in (pc.create_offer(), pc.wait_for("track")):
        with pytest.raises(errors.InvalidStateError, match="Create a new"):
            await operation
    with pytest.raises(PeerClosed):
        pc.stream()
    assert page.operations.count("create_offer") == 0


async def test_removing_the_widget_closes_the_connection_and_the_page(pc, page):
    await connected(pc, page)
    pc.remove()
    pc.remove()
    assert page.operations.count("close") == 1
    assert page.is_closed
    with pytest.raises(PeerClosed):
        await pc.create_offer()


async def test_the_end_of_a_block_closes():
    page = PeerPage()
    async with PeerConnection(page=page) as pc:
        await pc.create_offer()
    assert page.operations[-1] == "close"
    assert page.is_closed


async def test_a_reload_of_the_page_ends_the_connection(pc, page):
    channel = await connected(pc, page)
    track = pc.senders[0].track
    page.reload()
    await settled()
    assert (pc.signaling_state, pc.connection_state, pc.dtls_state) == ("closed", "closed", "closed")
    assert (channel.ready_state, track.ready_state, pc.sctp.state) == ("closed", "ended", "closed")
    assert pc.active_page is None
    with pytest.raises(PeerClosed, match="reloaded"):
        await channel.send("Hello")
    assert page.operations.count("send") == 0, "the new page is not asked"


async def test_the_reason_why_the_page_closed_it_is_told(pc, page):
    await connected(pc, page)
    page.event("operation", {"call": 9, "op": "close", "phase": "called", "reason": "no_view"}, **CLOSED)
    await eventually(lambda: pc.signaling_state == "closed")
    with pytest.raises(PeerClosed, match="No view showed"):
        await pc.create_offer()


async def test_a_page_that_no_longer_has_the_connection_ends_it(pc, page):
    await connected(pc, page)
    page.replies["create_offer"] = fault("peer_not_found", "This page does not have the connection.")
    with pytest.raises(errors.PeerNotFound, match="reloaded"):
        await pc.create_offer()
    await settled()
    assert pc.signaling_state == "closed"


async def test_a_page_that_leaves_during_an_operation_ends_it(pc, page):
    await connected(pc, page)
    page.replies["create_offer"] = lambda _request: page.say("goodbye")
    with pytest.raises(PeerClosed, match="page"):
        await pc.create_offer()


async def test_the_active_page_is_the_one_with_the_connection(pc, page):
    assert pc.active_page is None
    await connected(pc, page)
    assert pc.active_page == "p1"
    await pc.close()
    await settled()
    assert pc.active_page is None


async def test_another_page_of_the_widget_gets_no_operation(pc, page):
    await connected(pc, page)
    page._to_widget({"type": "hello", "page": "p2", "protocol": 2})
    await pc.create_offer()
    assert page.operations[-1] == "create_offer"
    assert pc.active_page == "p1"


async def test_a_silent_page_loses_the_connection_and_must_close_it_if_it_returns(pc, page, monkeypatch):
    monkeypatch.setattr("rtc_widget.comm.liveness.TICK_SECONDS", 0.02)
    monkeypatch.setattr("rtc_widget.comm.liveness.SILENT_SECONDS", 0.05)
    monkeypatch.setattr("rtc_widget.comm.liveness.ACTIVE_PAGE_SECONDS", 0.05)
    await connected(pc, page)
    page.is_silent = True
    await eventually(lambda: pc.signaling_state == "closed")
    page.is_silent = False
    page.event("iceconnectionstatechange", pc={"ice_connection_state": "disconnected"})
    page.event("iceconnectionstatechange", pc={"ice_connection_state": "connected"})
    await eventually(lambda: "close" in page.operations)
    assert page.operations.count("close") == 1
    assert pc.ice_connection_state == "closed"


async def test_close_does_not_wait_for_ever_for_a_silent_page(pc, page, monkeypatch):
    monkeypatch.setattr("rtc_widget.peers.operations.CLOSE_SECONDS", 0.05)
    await connected(pc, page)
    page.is_silent = True
    async with asyncio.timeout(HANGS):
        await pc.close()
    assert (pc.signaling_state, pc.active_page) == ("closed", None)


async def test_without_a_page_an_operation_says_so(monkeypatch):
    monkeypatch.setattr("rtc_widget.comm.bridge.PAGE_SECONDS", 0.05)
    page = PeerPage()
    page.hello = lambda: None
    pc = PeerConnection(page=page)
    with pytest.raises(PageNotFound, match="display"):
        await pc.create_offer()
    pc.remove()


async def test_an_operation_without_a_reply_times_out_and_can_be_repeated(pc, page, monkeypatch):
    monkeypatch.setattr("rtc_widget.peers.operations.OPERATION_SECONDS", 0.05)
    page.replies["create_offer"] = lambda _request: None
    with pytest.raises(PageTimeout):
        await pc.create_offer()
    del page.replies["create_offer"]
    monkeypatch.setattr("rtc_widget.peers.operations.OPERATION_SECONDS", HANGS)
    assert (await pc.create_offer()).type == "offer"


async def test_the_page_is_told_when_nobody_waits_for_an_operation(pc, page, monkeypatch):
    await pc.create_offer()
    asked = []
    page.replies["add_track"] = asked.append
    adding = asyncio.create_task(_outcome(pc.add_microphone()))
    await eventually(lambda: asked)
    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding
    monkeypatch.setattr("rtc_widget.peers.operations.PERMISSION_SECONDS", 0.05)
    with pytest.raises(PageTimeout):
        await pc.add_microphone()
    cancelled = [message["request"] for message in page.heard if message["type"] == "cancel"]
    assert cancelled == [request["id"] for request in asked]


async def test_an_operation_that_has_ended_is_not_cancelled(pc, page):
    await pc.create_offer()
    page.replies["create_answer"] = fault("InvalidStateError")
    with pytest.raises(errors.InvalidStateError):
        await pc.create_answer()
    assert "cancel" not in [message["type"] for message in page.heard]


TWO_CELLS = r"task = asyncio\.ensure_future\(pc\.create_offer\(\)\)"


async def run_cell(operation):
    return await operation


run_cell.__qualname__ = "InteractiveShell.run_cell_async"


async def test_a_cell_of_ipykernel_6_cannot_wait(monkeypatch):
    import comm

    monkeypatch.setattr(comm, "create_comm", RecordingComm)
    monkeypatch.setattr(ipykernel, "kernel_version", lambda: (6, 31))
    pc = PeerConnection(page="browser")
    for operation in (pc.create_offer(), pc.wait_for("track")):
        with pytest.raises(errors.AwaitUnsupported, match=TWO_CELLS):
            await asyncio.create_task(run_cell(operation))
    pc.remove()


async def test_a_cell_of_ipykernel_7_2_that_gets_no_reply_says_how_to_do_it_in_two(monkeypatch, pc, page):
    monkeypatch.setattr(ipykernel, "kernel_version", lambda: (7, 2))
    monkeypatch.setattr("rtc_widget.comm.bridge.PAGE_SECONDS", 0)
    page.is_silent = True
    with pytest.raises(errors.AwaitUnsupported, match=TWO_CELLS):
        await asyncio.create_task(run_cell(pc.create_offer()))


async def test_the_page_in_the_browser_gets_messages_by_the_comm(monkeypatch):
    import comm

    monkeypatch.setattr(comm, "create_comm", RecordingComm)
    pc = PeerConnection(page="browser")
    pc._receive(pc, {"type": "hello", "page": "p1", "protocol": 2}, [])
    offer = asyncio.create_task(_outcome(pc.create_offer()))
    published = pc.comm.published
    await eventually(lambda: "peer" in [message["data"].get("content", {}).get("type") for message in published])
    offer.cancel()
    state = pc.comm.published[0]["data"]["state"]
    assert state["settings"] == {"view_timeout": 10.0}
    pc.remove()


async def test_a_description_that_a_browser_quotes_is_not_synced_and_has_no_credentials(pc, page):
    await pc.create_offer()
    words = "Invalid line: a=ice-pwd:s3cret near m=audio"
    page.event("operation", {"call": 3, "op": "x", "phase": "settled", "error": {"name": "E", "message": words}})
    page.replies["create_answer"] = fault("OperationError", words)
    with pytest.raises(errors.OperationError, match="near m=audio") as caught:
        await pc.create_answer()
    await eventually(lambda: pc.error)
    assert "m=audio" in pc.error["message"]
    assert "m=audio" not in str(pc.get_state())
    [quoted] = [event.error["message"] for event in pc.events.of("operation") if event.payload.get("error")]
    assert quoted == "Invalid line: a=ice-pwd:••• near m=audio"
    assert "s3cret" not in f"{caught.value}{pc.error}"


def test_a_checkout_without_the_page_half_fails_when_a_connection_is_made(monkeypatch, tmp_path):
    monkeypatch.setattr("rtc_widget.peer_connection._STATIC", tmp_path)
    with pytest.raises(ImportError, match="scripts/build"):
        PeerConnection(page=PeerPage())


@pytest.mark.parametrize(
    ("parameters", "kind"),
    [
        ({"ice_servers": "stun:host"}, TypeError),
        ({"ice_servers": [7]}, TypeError),
        ({"page": "moon"}, ValueError),
        ({"page": 7}, TypeError),
        ({"view_timeout": -1}, ValueError),
        ({"unknown": 1}, TypeError),
    ],
)
def test_a_wrong_parameter_is_refused_at_once(parameters, kind):
    with pytest.raises(kind):
        PeerConnection(**{"page": PeerPage(), **parameters})


@pytest.mark.parametrize(
    "servers",
    [{"urls": "turn:host", "credential": "s3cret"}, "turn:s3cret@host", [("turn:host", "user", "s3cret")]],
)
def test_the_error_of_wrong_servers_does_not_show_their_credential(servers):
    with pytest.raises(TypeError, match=r"got (a dict|a str|tuple)") as raised:
        PeerConnection(page=PeerPage(), ice_servers=servers)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(("name", "engine"), [("headless", "auto"), ("aiortc", "aiortc")])
def test_a_page_in_this_process_is_made_when_it_is_named(monkeypatch, name, engine):
    engines = []

    class HeadlessPeerPage(PeerPage):
        def __init__(self, *, engine):
            engines.append(engine)
            super().__init__()

    monkeypatch.setitem(
        sys.modules, "rtc_widget.headless.peer_page", SimpleNamespace(HeadlessPeerPage=HeadlessPeerPage)
    )
    PeerConnection(page=name).remove()
    monkeypatch.setenv("RTC_WIDGET_PAGE", name)
    PeerConnection().remove()
    assert engines == [engine, engine]


async def _outcome(operation):
    try:
        return await operation
    except errors.RtcWidgetError as error:
        return error
