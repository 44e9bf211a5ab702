"""Operations of a peer connection: their order, their results, their errors, the state they leave."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import warnings

import numpy as np
import pytest

from rtc_widget import AudioClip, PeerConnection, SessionDescription, errors
from tests.limits import HANGS, eventually
from tests.unit.peers.page_double import CLOSED, CONTRACT, PeerPage, fault

OFFER = {"type": "offer", "sdp": "v=0\r\n"}


async def test_a_widget_that_is_only_displayed_opens_nothing(pc, page):
    assert page.requests == []
    assert (pc.signaling_state, pc.connection_state, pc.dtls_state) == ("stable", "new", "new")


async def test_the_first_operation_creates_the_connection_once(pc, page):
    await asyncio.gather(pc.create_offer(), pc.create_offer(ice_restart=True))
    assert page.operations == ["create", "create_offer", "create_offer"]
    assert page.requests[0]["args"] == {
        "configuration": {"ice_servers": [], "ice_transport_policy": "all", "bundle_policy": "balanced"}
    }
    assert [request["peer"] for request in page.requests] == [None, "c1", "c1"]
    assert [request["args"] for request in page.requests[1:]] == [{"ice_restart": False}, {"ice_restart": True}]


async def test_the_parameters_are_the_configuration_on_the_page():
    page = PeerPage()
    turn = {"urls": "turn:host:3478", "username": "u", "credential": "c"}
    async with PeerConnection(
        page=page, ice_servers=["stun:host:3478", turn], ice_transport_policy="relay", bundle_policy="max-bundle"
    ) as pc:
        await pc.create_offer()
    assert page.requests[0]["args"]["configuration"] == {
        "ice_servers": [{"urls": "stun:host:3478"}, turn],
        "ice_transport_policy": "relay",
        "bundle_policy": "max-bundle",
    }
    assert page.settings == {"view_timeout": 10.0}


async def test_an_offer_is_a_session_description_with_its_text_unchanged(pc, page):
    page.replies["create_offer"] = {"type": "offer", "sdp": "v=0\r\nodd line \n"}
    offer = await pc.create_offer()
    assert isinstance(offer, SessionDescription)
    assert (offer.type, str(offer)) == ("offer", "v=0\r\nodd line \n")


@pytest.mark.parametrize(
    "given",
    [
        lambda pc: pc.set_remote_description(SessionDescription("v=0\n x\n", type="offer")),
        lambda pc: pc.set_remote_description({"type": "offer", "sdp": "v=0\n x\n"}),
        lambda pc: pc.set_remote_description("v=0\n x\n", type="offer"),
    ],
)
async def test_a_description_is_passed_on_byte_for_byte(pc, page, given):
    await given(pc)
    assert page.requests[-1]["args"] == {"description": {"type": "offer", "sdp": "v=0\n x\n"}}


async def test_a_text_without_a_type_is_refused_before_the_page_is_asked(pc, page):
    with pytest.raises(TypeError, match='type="offer"'):
        pc.set_remote_description("v=0\r\n")
    assert page.requests == []


async def test_the_local_description_may_be_left_to_the_page_or_rolled_back(pc, page):
    await pc.set_local_description()
    assert page.requests[-1]["args"] == {"description": None}
    await pc.set_local_description(type="rollback")
    assert page.requests[-1]["args"] == {"description": {"type": "rollback", "sdp": ""}}


async def test_every_operation_sends_the_arguments_of_the_contract(pc, page):
    """All calls of the Python surface; afterwards each operation of the contract was sent with its arguments."""
    page.replies["add_track"] = {"sender": "sender:1", "transceiver": "transceiver:1"}
    page.event(
        "negotiationneeded",
        pc={"transceivers": ["transceiver:1"], "senders": ["sender:1"], "receivers": ["receiver:1"]},
        sender_1={"track": "track:1", "transport": None},
        track_1={"kind": "audio"},
        receiver_1={"track": "track:2"},
        transceiver_1={"mid": None, "sender": "sender:1", "receiver": "receiver:1"},
    )
    await pc.create_offer()
    await pc.create_answer()
    await pc.set_local_description(OFFER)
    await pc.set_remote_description(OFFER)
    candidate = CONTRACT["operations"]["add_ice_candidate"]["args"]["candidate"]
    await pc.add_ice_candidate(candidate)
    await pc.restart_ice()
    assert await pc.get_configuration() == CONTRACT["operations"]["get_configuration"]["result"]["configuration"]
    await pc.set_configuration(ice_servers=["stun:host"], ice_transport_policy="relay")
    sender = await pc.add_tone(440)
    await sender.replace_track(None)
    await sender.set_parameters(await sender.get_parameters())
    await sender.track.set_enabled(False)
    transceiver = await pc.add_transceiver("audio", "recvonly")
    await transceiver.set_direction("sendonly")
    await transceiver.set_codec_preferences([{"mimeType": "audio/opus", "clockRate": 48000}])
    await transceiver.receiver.set_jitter_buffer_target(200)
    await transceiver.stop()
    await pc.remove_track(sender)
    await pc.get_capabilities("receiver")
    channel = await pc.create_data_channel("chat", max_retransmits=0)
    await channel.send("Hello")
    await channel.set_buffered_amount_low_threshold(5)
    await channel.close()
    stats = await pc.get_stats()
    assert stats.of("transport")[0]["id"] == "T01"
    await pc.close()
    sent = {request["op"]: set(request["args"]) for request in page.requests}
    assert sent == {op: set(entry["args"]) for op, entry in CONTRACT["operations"].items()}


async def test_a_data_channel_has_no_statistics_of_its_own(pc, page):
    channel = await pc.create_data_channel("chat")
    assert not hasattr(channel, "get_stats")
    with pytest.raises(TypeError, match="RtpSender or RtpReceiver"):
        pc.get_stats(channel)


async def test_media_are_messages(pc, page):
    await pc.add_microphone({"echoCancellation": False})
    await pc.add_microphone()
    await pc.add_tone(hz=500, level=0.1)
    await pc.add_silence()
    media = [request["args"]["media"] for request in page.requests if request["op"] == "add_track"]
    assert media == [
        {"kind": "microphone", "constraints": {"echoCancellation": False}},
        {"kind": "microphone"},
        {"kind": "tone", "hz": 500, "level": 0.1},
        {"kind": "silence"},
    ]


@pytest.mark.parametrize(
    "outcome", [{"result": {"sender": "sender:1", "transceiver": "transceiver:1"}}, {"error": fault("OperationError")}]
)
async def test_a_clip_can_be_fetched_until_its_operation_has_ended(pc, page, outcome):
    parts = []

    def fetch(clip):
        page.say("clip", id="p1:1", clip=clip, first=0)
        parts.append(page.heard[-1])

    def add(request):
        fetch(request["args"]["media"]["clip"])
        page.reply(request, **outcome)

    page.replies["add_track"] = add
    with contextlib.suppress(errors.OperationError):
        await pc.add_clip(AudioClip(np.full(100, 0.5, dtype=np.float32), 24_000))
    fetch(page.requests[-1]["args"]["media"]["clip"])
    during, after = parts
    part = during["result"]
    assert (part["rate"], len(base64.b64decode(part["data"])), part["next"]) == (24_000, 200, None)
    assert after["error"]["code"] == errors.ClipNotFound.code


async def test_bytes_cross_as_base64_both_ways(pc, page):
    channel = await pc.create_data_channel("chat")
    await channel.send(b"\x00\xff")
    assert page.requests[-1]["args"] == {"channel": "channel:1", "base64": "AP8="}
    page.event("message", {"base64": "AP8="}, "channel:1")
    page.event("message", {"text": "Hello"}, "channel:1")
    await eventually(lambda: len(pc.events.of("message")) == 2)
    assert [event.data for event in pc.events.of("message")] == [b"\x00\xff", "Hello"]
    with pytest.raises(TypeError, match="str or bytes"):
        channel.send(7)


@pytest.mark.parametrize("name", CONTRACT["error_names"])
async def test_an_error_of_the_page_is_the_exception_of_its_name(pc, page, name):
    page.replies["create_offer"] = fault(name)
    with pytest.raises(errors.WebRTCError) as raised:
        await pc.create_offer()
    error = raised.value
    assert (error.name, error.message, error.operation) == (name, "The browser's words.", "create_offer")
    assert error.why.endswith(".")
    assert error.what_next.endswith(".")
    assert str(error) == f"The browser's words. {error.why} {error.what_next}"
    await asyncio.sleep(0)
    assert pc.error["code"] == name


async def test_reason_and_next_step_depend_on_operation_and_state(pc, page):
    page.replies["create_answer"] = fault("InvalidStateError")
    with pytest.raises(errors.InvalidStateError) as in_stable:
        await pc.create_answer()
    page.event("signalingstatechange", pc={"signaling_state": "have-local-offer"})
    with pytest.raises(errors.InvalidStateError) as with_offer:
        await pc.create_answer()
    assert "set_remote_description(offer)" in in_stable.value.what_next
    assert "waits for an answer" in with_offer.value.why
    page.replies["add_ice_candidate"] = fault("InvalidStateError")
    with pytest.raises(errors.InvalidStateError, match="set_remote_description"):
        await pc.add_ice_candidate({"candidate": "candidate:1", "sdpMid": "0"})


async def test_an_operation_that_succeeds_clears_the_error(pc, page):
    page.replies["create_offer"] = fault("OperationError")
    with pytest.raises(errors.OperationError):
        await pc.create_offer()
    del page.replies["create_offer"]
    await pc.create_offer()
    await asyncio.sleep(0)
    assert pc.error is None


async def test_a_reply_waits_for_the_events_before_it(pc, page):
    """The reply overtakes an event that the page recorded before it."""
    late = []

    def overtaking(request):
        late.append(page.record("signalingstatechange", pc={"signaling_state": "have-local-offer"}))
        page.reply(request)
        asyncio.get_running_loop().call_later(
            0.05, lambda: page.say("peer_events", peer="c1", first=page.next - 1, events=late)
        )

    page.replies["set_local_description"] = overtaking
    await pc.set_local_description(OFFER)
    assert pc.signaling_state == "have-local-offer"


async def test_events_that_were_lost_are_requested_again(pc, page):
    await pc.create_offer()
    lost = page.record("negotiationneeded")
    page.event("signalingstatechange", pc={"signaling_state": "have-local-offer"})
    assert page.heard[-1] == {"type": "resend", "page": "p1", "first": 0}
    after = [page.now_ms, "pc", "signalingstatechange", None, {"pc": {"signaling_state": "have-local-offer"}}]
    page.say("peer_events", peer="c1", first=0, events=[lost, after])
    assert page.heard[-1] == {"type": "ack", "page": "p1", "next": 2}
    await eventually(lambda: pc.signaling_state == "have-local-offer")
    assert [event.type for event in pc.events] == ["negotiationneeded", "signalingstatechange"]


async def test_a_malformed_result_is_reported(pc, page):
    page.replies["create_data_channel"] = {"channel": 7}
    with pytest.raises(errors.UnexpectedError, match="create_data_channel"):
        await pc.create_data_channel("chat")


async def test_a_forgotten_await_says_so():
    pc = PeerConnection(page=PeerPage())
    offer = pc.create_offer()
    assert repr(offer) == "<pc.create_offer() has not started. Put await before it: await pc.create_offer()>"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del offer
        gc.collect()
    assert ["pc.create_offer() was never awaited" in str(one.message) for one in caught] == [True]
    pc.remove()


@pytest.mark.filterwarnings("ignore:.*never awaited:RuntimeWarning")
async def test_using_an_operation_in_the_place_of_its_result_says_that_await_is_missing(pc, page):
    uses = [
        lambda: pc.set_local_description(pc.create_offer()),
        lambda: pc.add_ice_candidate(pc.wait_for("icecandidate")),
        lambda: pc.remove_track(pc.add_tone()),
        lambda: pc.create_data_channel("chat").send("Hello"),
        lambda: pc.create_offer().sdp,
    ]
    for use in uses:
        with pytest.raises((TypeError, AttributeError), match=r"was not awaited.* Put await before it: await pc\."):
            use()
    assert page.requests == []


async def test_an_operation_can_be_a_task_and_has_one_result(pc, page):
    operation = pc.create_offer()
    offer = await asyncio.create_task(operation)
    assert offer.type == "offer"
    assert repr(operation) == "<pc.create_offer(): done>"
    async with asyncio.timeout(HANGS):
        assert (await asyncio.wait_for(pc.create_answer(), HANGS)).type == "answer"


async def test_a_wrong_order_does_not_end_the_connection(pc, page):
    page.replies["create_answer"] = fault("InvalidStateError")
    with pytest.raises(errors.InvalidStateError):
        await pc.create_answer()
    assert (await pc.create_offer()).type == "offer"
    assert page.operations.count("create") == 1


async def test_the_ninth_connection_of_a_page_is_refused_in_words():
    connections = [PeerConnection(page=PeerPage(f"p{number}")) for number in range(8)]
    ninth = PeerPage("p9")
    ninth.replies["create"] = fault("too_many_peers", "This page has 8 open peer connections.")
    refused = PeerConnection(page=ninth)
    assert [(await pc.create_offer()).type for pc in connections] == ["offer"] * 8
    with pytest.raises(errors.TooManyPeers, match="Close one"):
        await refused.create_offer()
    del ninth.replies["create"]
    assert (await refused.create_offer()).type == "offer"
    for pc in [*connections, refused]:
        pc.remove()


async def test_two_connections_of_one_notebook_are_independent(pc, page):
    other_page = PeerPage("p2", "c2")
    other = PeerConnection(page=other_page)
    offer = await pc.create_offer()
    await pc.set_local_description(offer)
    await other.set_remote_description(offer)
    page.event("signalingstatechange", pc={"signaling_state": "have-local-offer"})
    other_page.event("signalingstatechange", pc={"signaling_state": "have-remote-offer"})
    await eventually(lambda: other.signaling_state == "have-remote-offer")
    assert pc.signaling_state == "have-local-offer"
    assert (len(pc.events), len(other.events)) == (1, 1)
    other.remove()


async def test_traits_cannot_be_set_and_unknown_states_are_not_lost(pc, page):
    import traitlets

    with pytest.raises(traitlets.TraitError, match="signaling_state is read-only"):
        pc.signaling_state = "closed"
    await pc.create_offer()
    page.event("operation", {"call": 9, "op": "close", "phase": "called"}, **CLOSED)
    await eventually(lambda: pc.signaling_state == "closed")
