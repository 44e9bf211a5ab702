"""Events and objects of a peer connection: live state, callbacks, waiting, streams, the log."""

from __future__ import annotations

import asyncio
import copy
import pickle
import threading

import pytest

from rtc_widget.errors import NotConnected, WaitTimeout
from rtc_widget.peers.events import PeerEventLog
from rtc_widget.peers.objects import DataChannel, MediaStreamTrack, RtpTransceiver
from tests.limits import HANGS, eventually
from tests.unit.peers.page_double import CLOSED, CONTRACT
from tests.unit.waiting import settled

CANDIDATE = CONTRACT["events"]["icecandidate"]["payload"]["candidate"]


async def test_an_object_shows_its_state_live_and_is_the_same_object_for_life(pc, page):
    channel = await pc.create_data_channel("chat")
    assert channel.ready_state == "connecting"
    page.event("open", None, "channel:1", channel_1={"label": "chat", "ready_state": "open", "id": 0, "ordered": False})
    await eventually(lambda: channel.ready_state == "open")
    assert (channel.label, channel.id, channel.ordered) == ("chat", 0, False)
    assert pc.channels == (channel,)
    page.event("close", None, "channel:1", channel_1={"ready_state": "closed"})
    await eventually(lambda: channel.ready_state == "closed")
    assert (channel.label, pc.channels[0]) == ("chat", channel)
    assert "ready_state='closed'" in repr(channel)


async def test_objects_lead_to_each_other(pc, page):
    page.event(
        "track",
        {"transceiver": "transceiver:1", "receiver": "receiver:1", "track": "track:1"},
        pc={"transceivers": ["transceiver:1"], "receivers": ["receiver:1"], "senders": [], "sctp": "sctp:1"},
        transceiver_1={"mid": "0", "kind": "audio", "receiver": "receiver:1", "sender": None},
        receiver_1={"track": "track:1", "transport": "dtls:1"},
        track_1={"kind": "audio", "muted": True},
        dtls_1={"state": "connecting", "ice_transport": "ice:1"},
        ice_1={"state": "connected", "role": "controlling"},
        sctp_1={"state": "connecting", "transport": "dtls:1", "max_message_size": 262144},
    )
    await eventually(lambda: pc.transceivers)
    (transceiver,) = pc.transceivers
    assert isinstance(transceiver, RtpTransceiver)
    assert (transceiver.mid, transceiver.sender) == ("0", None)
    assert transceiver.receiver is pc.receivers[0]
    assert isinstance(transceiver.receiver.track, MediaStreamTrack)
    assert pc.sctp.transport is transceiver.receiver.transport
    assert (pc.sctp.transport.ice_transport.role, pc.sctp.max_message_size) == ("controlling", 262144)
    assert pc.dtls_state == "connecting"
    event = pc.events.last("track")
    assert event.track is transceiver.receiver.track
    assert event.transceiver is transceiver


async def test_attributes_cannot_be_set_and_say_what_can_be_done(pc, page):
    channel = await pc.create_data_channel("chat")
    with pytest.raises(AttributeError, match="label is read-only"):
        channel.label = "other"
    with pytest.raises(AttributeError, match="set_buffered_amount_low_threshold"):
        channel.buffered_amount_low_threshold = 5


async def test_the_states_travel_with_the_event(pc, page):
    seen = []
    pc.on("signalingstatechange", lambda event: seen.append((event.type, pc.signaling_state)))
    first = page.record("signalingstatechange", pc={"signaling_state": "have-local-offer"})
    second = page.record("signalingstatechange", pc={"signaling_state": "stable"})
    page.say("peer_events", peer="c1", first=0, events=[first, second])
    await eventually(lambda: len(seen) == 2)
    assert seen == [("signalingstatechange", "have-local-offer"), ("signalingstatechange", "stable")]


async def test_descriptions_and_states_are_traits(pc, page):
    description = {"type": "offer", "sdp": "v=0\r\n"}
    changes = []
    pc.observe(lambda change: changes.append(change["new"]), "ice_gathering_state")
    page.event("icegatheringstatechange", pc={"ice_gathering_state": "gathering", "local_description": description})
    await eventually(lambda: changes == ["gathering"])
    assert pc.local_description == description
    assert pc.remote_description is None
    assert "local_description" not in pc.get_state(), "a notebook that is saved with its widgets holds no address"


async def test_candidates_and_pairs_are_collected(pc, page):
    pairs = CONTRACT["events"]["pairs"]["payload"]
    page.event("icecandidate", {"candidate": CANDIDATE, "url": None})
    page.event("icecandidate", {"candidate": None, "url": None})
    page.event("pairs", pairs)
    await eventually(lambda: pc.pairs)
    assert pc.candidates == (CANDIDATE,)
    assert pc.pairs == tuple(pairs["pairs"])


async def test_a_candidate_event_can_be_given_to_the_other_side(pc, page):
    page.event("icecandidate", {"candidate": CANDIDATE, "url": None})
    page.event("icecandidate", {"candidate": None, "url": None})
    await eventually(lambda: len(pc.events) == 2)
    for given in (pc.events[0], pc.events[0].candidate, pc.events[1], "candidate:1"):
        await pc.add_ice_candidate(given)
    sent = [request["args"]["candidate"] for request in page.requests if request["op"] == "add_ice_candidate"]
    assert sent == [CANDIDATE, CANDIDATE, None, {"candidate": "candidate:1"}]
    for wrong in (7, page.record):
        with pytest.raises(TypeError):
            pc.add_ice_candidate(wrong)


async def test_wait_for_returns_the_next_event_that_fits(pc, page):
    waiting = asyncio.create_task(pc.wait_for("icecandidate", HANGS, where=lambda event: event.candidate is None))
    await settled()
    page.event("icecandidate", {"candidate": CANDIDATE, "url": None})
    page.event("icecandidate", {"candidate": None, "url": None})
    assert (await waiting).candidate is None


async def test_events_between_the_call_of_wait_for_and_its_await_count(pc, page):
    channel = await pc.create_data_channel("chat")
    before = page.record("message", {"text": "before"}, "channel:1")
    page.say("peer_events", peer="c1", first=0, events=[before])
    await settled()
    message, second = channel.wait_for("message"), channel.wait_for("message", where=lambda event: event.data == "two")
    page.event("message", {"text": "other"}, "channel:2")
    page.event("message", {"text": "one"}, "channel:1")
    page.event("message", {"text": "two"}, "channel:1")
    await eventually(lambda: len(pc.events) == 4)
    assert (await message).data == "one"
    assert (await second).data == "two"
    with pytest.raises(WaitTimeout):
        await channel.wait_for("message", 0.01)


async def test_wait_for_has_a_time_limit(pc):
    with pytest.raises(WaitTimeout, match=r"pc\.events"):
        await pc.wait_for("track", 0.01)


async def test_waiting_and_streams_end_with_the_connection(pc, page):
    await pc.create_offer()
    stream = pc.stream("ice*")
    waiting = asyncio.create_task(_error(pc.wait_for("track", HANGS)))
    await settled()
    page.event("icecandidate", {"candidate": CANDIDATE, "url": None})
    page.event("operation", {"call": 2, "op": "close", "phase": "called"}, **CLOSED)
    async with asyncio.timeout(HANGS):
        assert [event.type async for event in stream] == ["icecandidate"]
        assert isinstance(await waiting, NotConnected)


async def test_an_object_hears_only_its_own_events(pc, page):
    channel = await pc.create_data_channel("one")
    heard, all_heard = [], []
    channel.on("message", lambda event: heard.append(event.data))
    pc.on("message", lambda event: all_heard.append(event.data))

    @channel.on("open")
    async def greet(event):
        heard.append(event.target)

    waiting = asyncio.create_task(channel.wait_for("open", HANGS))
    await settled()
    page.event("message", {"text": "two"}, "channel:2", channel_2={"label": "two"})
    page.event("message", {"text": "one"}, "channel:1", channel_1={"label": "one"})
    page.event("open", None, "channel:1")
    assert (await waiting).source == "channel:1"
    await eventually(lambda: len(heard) == 2)
    assert heard == ["one", channel]
    assert isinstance(heard[1], DataChannel)
    assert all_heard == ["two", "one"]


async def test_a_callback_that_fails_is_kept_and_stops_nothing(pc, page, caplog):
    @pc.on("open")
    def fails(event):
        raise ValueError("no")

    page.event("open", None, "channel:1", channel_1={"label": "one", "ready_state": "open"})
    await eventually(lambda: pc.errors)
    assert str(pc.errors[0]) == "fails failed on open: ValueError: no"
    pc.off("open", fails)
    page.event("open", None, "channel:1")
    await settled()
    assert len(pc.errors) == 1


async def test_the_log_can_be_searched_copied_and_read_as_a_table(pc, page):
    page.event("operation", {"call": 1, "op": "create_offer", "phase": "called"})
    page.event(
        "operation",
        {"call": 1, "op": "create_offer", "phase": "settled", "error": {"name": "OperationError", "message": "no"}},
    )
    page.event("signalingstatechange", pc={"signaling_state": "have-local-offer"})
    page.event("message", {"text": "Hello"}, "channel:1", channel_1={"label": "one"})
    await eventually(lambda: len(pc.events) == 4)
    assert repr(pc.events) == "<PeerEventLog: 4 events>"
    assert repr(pc.events[1]) == "<operation at 0.010 s: create_offer settled, OperationError>"
    assert repr(pc.events[2]) == "<signalingstatechange at 0.020 s: have-local-offer>"
    assert [event.type for event in pc.events.of(source="channel:*")] == ["message"]
    assert [event.source for event in pc.events[1:].of("operation")] == ["pc"]
    assert pc.events[-1:].last() is pc.events[-1]
    table = pc.events.to_pandas()
    assert list(table["type"]) == ["operation", "operation", "signalingstatechange", "message"]
    assert list(table["elapsed"]) == [0.0, 0.01, 0.02, 0.03]
    with pytest.raises(AttributeError, match=r"no field 'nonsense'\. Fields of its payload: text"):
        _ = pc.events[3].nonsense
    assert hash(pc.events[0]) != hash(pc.events[1])


async def test_events_have_the_kernels_time(pc, page):
    page.event("negotiationneeded")
    await eventually(lambda: len(pc.events) == 1)
    assert pc.events[0].time.tzinfo is not None
    assert pc.events[0].elapsed == 0


def test_an_empty_log_says_so():
    assert repr(PeerEventLog()) == "<PeerEventLog: empty>"


async def test_an_event_can_be_copied_without_its_objects(pc, page):
    page.event("message", {"text": "Hello"}, "channel:1", channel_1={"label": "one"})
    await eventually(lambda: len(pc.events) == 1)
    event = pc.events[0]
    for twin in (copy.copy(event), copy.deepcopy(event), pickle.loads(pickle.dumps(event))):
        assert twin == event
        assert twin.data == "Hello"


async def test_an_event_that_makes_no_sense_stops_no_other(pc, page, caplog):
    page.event("negotiationneeded", pc={"sctp": "sctp:1", "senders": 7})
    page.event("signalingstatechange", pc={"signaling_state": "have-local-offer", "senders": []})
    await eventually(lambda: pc.signaling_state == "have-local-offer")
    assert "negotiationneeded of pc" in caplog.text
    assert (await pc.create_offer()).type == "offer", "no reply waits for it"


async def test_events_on_another_thread_are_taken_in_before_the_reply(pc, page):
    def on_a_subshell(request):
        def run():
            page.event("signalingstatechange", pc={"signaling_state": "have-local-offer"})
            page.reply(request)

        threading.Thread(target=run).start()

    page.replies["set_local_description"] = on_a_subshell
    await pc.set_local_description("v=0\r\n", type="offer")
    assert pc.signaling_state == "have-local-offer"


async def _error(operation):
    try:
        return await operation
    except NotConnected as error:
        return error
