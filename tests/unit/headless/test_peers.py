"""A headless page of peers, driven by messages: operations, events, objects and errors, on both engines."""

from __future__ import annotations

import asyncio
import base64
from importlib.util import find_spec

import numpy as np
import pytest

from rtc_widget.errors import HeadlessNotInstalled, NetworkUnsupported
from rtc_widget.headless.page import page_thread
from rtc_widget.headless.peer_page import HeadlessPeerPage
from rtc_widget.headless.peers import session
from tests.limits import HANGS, eventually
from tests.unit.headless.peer_driver import PeerDriver, Refused, connected, negotiate

TONE = {"kind": "tone", "hz": 440}
GARBAGE = {"type": "offer", "sdp": "v=0\r\ngarbage\r\n"}

needs_wrtc = pytest.mark.skipif(find_spec("webrtc") is None, reason="needs wrtc (extra `teach`)")
wrtc = pytest.param("wrtc", marks=needs_wrtc)
both_engines = pytest.mark.parametrize("engine", [wrtc, "aiortc"])


@pytest.fixture
async def make():
    made = []
    before, open_before = await page_tasks(), open_peers()

    def one(engine):
        made.append(PeerDriver(engine))
        return made[-1]

    yield one
    for driver in made:
        await asyncio.wrap_future(driver.page._end())
    await nothing_goes_on(before)
    assert open_peers() == open_before


def open_peers() -> set[str]:
    """Return the names of the peers that count as open."""
    return set(session._open_peers)


async def page_tasks() -> set[int]:
    """Return the tasks on the pages' thread."""

    async def tasks():
        return {id(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()}

    return await asyncio.wrap_future(page_thread().run(tasks()))


async def nothing_goes_on(before: set[int]) -> None:
    """Wait until no task is left on the pages' thread but those of other tests."""
    async with asyncio.timeout(HANGS):
        while await page_tasks() - before:
            await asyncio.sleep(0.05)


async def refused(operation) -> Refused:
    with pytest.raises(Refused) as caught:
        await operation
    return caught.value


# Connecting


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("wrtc", "wrtc", marks=needs_wrtc),
        pytest.param("wrtc", "aiortc", marks=needs_wrtc),
        pytest.param("aiortc", "wrtc", marks=needs_wrtc),
        ("aiortc", "aiortc"),
    ],
)
async def test_two_peers_connect_hear_a_tone_and_exchange_messages(make, first, second):
    a, b = make(first), make(second)
    added = await a("add_track", media=TONE)
    assert added == {"sender": "sender:1", "transceiver": "transceiver:1"}
    made = await a("create_data_channel", label="chat", options={"ordered": False, "max_retransmits": 0})
    assert made == {"channel": "channel:1"}
    await negotiate(a, b)
    await connected(a, b)
    await eventually(lambda: "open" in a.names("channel:1") and "open" in b.names("channel:1"))
    channel = b.objects["channel:1"]
    assert (channel["label"], channel["ordered"], channel["max_retransmits"]) == ("chat", False, 0)
    await a("send", channel="channel:1", text="Hello ä")
    await b("send", channel="channel:1", base64="AAH/")
    await eventually(lambda: b.payloads("message") and a.payloads("message"))
    assert b.payloads("message") == [{"text": "Hello ä"}]
    assert a.payloads("message") == [{"base64": "AAH/"}]

    [track] = b.payloads("track")
    assert track == {"transceiver": "transceiver:1", "receiver": "receiver:1", "track": track["track"]}
    assert b.objects[track["track"]]["kind"] == "audio"
    await b.until("muted", False, track["track"])
    async with asyncio.timeout(HANGS):
        while not any(report.get("audioLevel", 0) > 0.1 for report in await b.stats("inbound-rtp")):
            await asyncio.sleep(0.1)
    for peer in (a, b):
        await eventually(peer.selected)
        assert peer.objects[peer.objects["sender:1"]["transport"]]["state"] == "connected"
        assert peer.pc("local_description") == peer.pc("current_local_description")
        assert peer.pc("pending_local_description") is None


@needs_wrtc
async def test_the_audio_of_the_other_side_is_taken_out_of_the_jitter_buffer(make):
    a, b = make("wrtc"), make("wrtc")
    await a("add_track", media=TONE)
    await negotiate(a, b)
    async with asyncio.timeout(HANGS):
        while not any(report.get("jitterBufferEmittedCount", 0) > 4800 for report in await b.stats("inbound-rtp")):
            await asyncio.sleep(0.1)


@needs_wrtc
async def test_one_sides_candidates_are_enough(make):
    a, b = make("wrtc"), make("wrtc")
    await a("create_data_channel", label="chat", options={})
    offer = await a("create_offer", ice_restart=False)
    assert "a=candidate" not in offer["sdp"]
    await a("set_local_description", description=offer)
    await b("set_remote_description", description=offer)
    answer = await b("create_answer")
    await b("set_local_description", description=answer)
    await a("set_remote_description", description=answer)
    await a.gathered()
    for candidate in a.candidates():
        await b("add_ice_candidate", candidate=candidate)
    await b("add_ice_candidate", candidate=None)
    await connected(a, b)
    # A was never given a candidate of B: it has learned it from B's checks (RFC 8445, section 7.3.1.3).
    await eventually(a.selected)
    assert [pair["remote"]["type"] for pair in a.selected()] == ["prflx"]


@both_engines
async def test_candidates_are_reported_and_then_that_there_are_no_more(make, engine):
    a = make(engine)
    await a("create_data_channel", label="chat", options={})
    await a("set_local_description", description=None)
    await a.gathered()
    candidates = a.candidates()
    assert candidates
    assert all(candidate["candidate"].startswith("candidate:") for candidate in candidates)
    assert {candidate["sdpMid"] for candidate in candidates} == {"0"}
    assert a.payloads("icecandidate").index({"candidate": None, "url": None}) == len(candidates)
    names = a.names("pc")
    last_change = len(names) - 1 - names[::-1].index("icegatheringstatechange")
    assert names.index("icegatheringstatechange") < names.index("icecandidate") < last_change
    assert all(candidate["candidate"].split()[4] in a.pc("local_description")["sdp"] for candidate in candidates)


@both_engines
async def test_a_clip_is_fetched_from_the_kernel_and_heard_when_connected(make, engine):
    a, b = make(engine), make("aiortc")
    pcm = (np.sin(np.arange(24_000) / 10) * 8000).astype("<i2").tobytes()
    a.clips["k"] = {"rate": 24_000, "data": base64.b64encode(pcm).decode(), "next": None}
    await a("add_track", media={"kind": "clip", "clip": "k"})
    await negotiate(a, b)
    async with asyncio.timeout(HANGS):
        while not any(report.get("audioLevel", 0) > 0.1 for report in await b.stats("inbound-rtp")):
            await asyncio.sleep(0.02)


# Refusals


async def test_the_error_of_a_wrong_candidate_does_not_quote_it(make):
    a, b = make("aiortc"), make("aiortc")
    await a("create_data_channel", label="chat", options={})
    await b("set_remote_description", description=await a("create_offer", ice_restart=False))
    candidate = {"candidate": "candidate:s3cret", "sdpMid": "0"}
    refusal = await refused(b("add_ice_candidate", candidate=candidate))
    assert (refusal.code, "s3cret" in refusal.message) == ("OperationError", False)


@both_engines
async def test_wrong_steps_are_refused_by_their_w3c_names(make, engine):
    a, b = make(engine), make(engine)
    assert (await refused(a("create_answer"))).code == "InvalidStateError"
    candidate = {"candidate": "candidate:1 1 udp 1 192.0.2.1 5000 typ host", "sdpMid": "0"}
    assert (await refused(a("add_ice_candidate", candidate=candidate))).code == "InvalidStateError"
    without_section = {"candidate": candidate["candidate"]}
    assert (await refused(a("add_ice_candidate", candidate=without_section))).code == "TypeError"
    garbage = await refused(a("set_remote_description", description=GARBAGE))
    assert garbage.code == "OperationError"
    assert "garbage" in garbage.message
    assert (await refused(a("set_remote_description", description={"type": "bid", "sdp": ""}))).code == "TypeError"
    assert (await refused(a("add_transceiver", kind="audio", direction="up", media=None))).code == "TypeError"
    assert (await refused(a("add_transceiver", kind="smell", media=None))).code == "TypeError"
    both = {"max_retransmits": 0, "max_packet_life_time": 5}
    assert (await refused(a("create_data_channel", label="x", options=both))).code == "TypeError"
    negotiated = {"negotiated": True}
    assert (await refused(a("create_data_channel", label="x", options=negotiated))).code == "TypeError"
    await a("create_data_channel", label="chat", options={})
    assert (await refused(a("send", channel="channel:1", text="early"))).code == "InvalidStateError"
    assert (await refused(a("send", channel="channel:9", text="x"))).code == "TypeError"
    offer = await a("create_offer", ice_restart=False)
    await b("set_remote_description", description=offer)
    answer = await b("create_answer")
    await a("set_local_description", description=offer)
    await b("set_local_description", description=answer)
    await a("set_remote_description", description=answer)
    assert (await refused(a("set_remote_description", description=answer))).code == "InvalidStateError"
    c = make(engine)
    await c("create_data_channel", label="chat", options={})
    await c("set_local_description", description=None)
    own = {"type": "answer", "sdp": c.pc("local_description")["sdp"]}
    assert (await refused(c("set_remote_description", description=own))).code == "InvalidAccessError"
    errors = [payload["error"]["name"] for payload in a.payloads("operation") if "error" in payload]
    assert errors[:2] == ["InvalidStateError", "InvalidStateError"]


@both_engines
async def test_a_configuration_is_checked(make, engine):
    a = make(engine)
    assert (await refused(a.create(ice_servers=[{"urls": "http://192.0.2.1"}]))).code == "SyntaxError"
    assert (await refused(a.create(ice_servers=[{"urls": "turn:192.0.2.1"}]))).code == "InvalidAccessError"
    assert (await refused(a.create(ice_transport_policy="none"))).code == "TypeError"
    assert not a.events
    await a.create(ice_servers=[{"urls": ["stun:127.0.0.1:3478"]}], bundle_policy="max-bundle")


@both_engines
async def test_a_page_without_a_browser_has_no_microphone(make, engine):
    a = make(engine)
    microphone = await refused(a("add_track", media={"kind": "microphone"}))
    assert microphone.code == "NotFoundError"
    assert "no microphone" in microphone.message
    assert (await refused(a("add_track", media={"kind": "smell"}))).code == "TypeError"
    assert (await refused(a("add_track", media={"kind": "tone", "level": 2}))).code == "TypeError"


async def test_what_aiortc_lacks_is_refused_in_words(make):
    a = make("aiortc")
    await a("add_track", media=TONE)
    await a("set_local_description", description=None)
    offer = a.pc("local_description")
    lacking = [
        a("restart_ice"),
        a("create_offer", ice_restart=True),
        a("set_local_description", description={"type": "rollback", "sdp": ""}),
        a("set_remote_description", description={"type": "pranswer", "sdp": offer["sdp"]}),
        a("set_remote_description", description=offer),
        a("get_configuration"),
        a("set_configuration", configuration={}),
        a("remove_track", sender="sender:1"),
        a("get_parameters", sender="sender:1"),
        a("set_parameters", sender="sender:1", parameters={}),
        a("get_capabilities", side="sender", kind="audio"),
        a("set_jitter_buffer_target", receiver="receiver:1", milliseconds=200),
        a("stop_transceiver", transceiver="transceiver:1"),
    ]
    for operation in lacking:
        error = await refused(operation)
        assert error.code == "NotSupportedError"
        assert error.message.startswith("A peer on aiortc cannot ")
    assert a.pc("signaling_state") == "have-local-offer"


# What only libwebrtc has


@needs_wrtc
async def test_an_offer_is_rolled_back(make):
    a = make("wrtc")
    await a("create_data_channel", label="chat", options={})
    await a("set_local_description", description=None)
    assert a.pc("signaling_state") == "have-local-offer"
    assert a.pc("pending_local_description")["type"] == "offer"
    await a("set_local_description", description={"type": "rollback", "sdp": ""})
    assert (a.pc("signaling_state"), a.pc("local_description")) == ("stable", None)
    await eventually(lambda: a.names("pc")[-1] == "negotiationneeded")


@needs_wrtc
async def test_ice_is_restarted_while_the_connection_stands(make):
    a, b = make("wrtc"), make("wrtc")
    await a("create_data_channel", label="chat", options={})
    await negotiate(a, b)
    await connected(a, b)
    before = {candidate["usernameFragment"] for candidate in a.candidates()}
    needed = a.names("pc").count("negotiationneeded")
    await a("restart_ice")
    await eventually(lambda: a.names("pc").count("negotiationneeded") == needed + 1)
    count = a.payloads("icecandidate").count({"candidate": None, "url": None})
    await a("set_local_description", description=None)
    await eventually(lambda: a.payloads("icecandidate").count({"candidate": None, "url": None}) > count)
    assert before < {candidate["usernameFragment"] for candidate in a.candidates()}
    assert a.pc("connection_state") == "connected"


@needs_wrtc
async def test_codecs_are_chosen_among_the_capabilities(make):
    a = make("wrtc")
    codecs = (await a("get_capabilities", side="sender", kind="audio"))["capabilities"]["codecs"]
    [g722] = [codec for codec in codecs if codec["mimeType"] == "audio/G722"]
    await a("add_track", media=TONE)
    await a("set_codec_preferences", transceiver="transceiver:1", codecs=[g722])
    offer = (await a("create_offer", ice_restart=False))["sdp"]
    assert "G722" in offer
    assert "opus" not in offer


@needs_wrtc
async def test_parameters_and_the_jitter_buffer_are_set(make):
    a, b = make("wrtc"), make("wrtc")
    await a("add_track", media=TONE)
    await negotiate(a, b)
    parameters = (await a("get_parameters", sender="sender:1"))["parameters"]
    parameters["encodings"][0]["maxBitrate"] = 20_000
    await a("set_parameters", sender="sender:1", parameters=parameters)
    changed = (await a("get_parameters", sender="sender:1"))["parameters"]
    assert changed["encodings"][0]["maxBitrate"] == 20_000
    foreign = {**changed, "transactionId": "other"}
    refusal = await refused(a("set_parameters", sender="sender:1", parameters=foreign))
    assert refusal.code == "InvalidModificationError"
    two = {**changed, "encodings": changed["encodings"] * 2}
    assert (await refused(a("set_parameters", sender="sender:1", parameters=two))).code == "InvalidModificationError"
    await b("set_jitter_buffer_target", receiver="receiver:1", milliseconds=200)
    assert b.objects["receiver:1"]["jitter_buffer_target"] == 200
    wrong = b("set_jitter_buffer_target", receiver="receiver:1", milliseconds=-1)
    assert (await refused(wrong)).code == "RangeError"


@needs_wrtc
async def test_a_configuration_is_read_and_changed(make):
    a = make("wrtc")
    server = {"urls": ["turn:127.0.0.1:3478"], "username": "u", "credential": "c"}
    await a.create(ice_servers=[server], bundle_policy="max-bundle")
    read = (await a("get_configuration"))["configuration"]
    assert read == {"ice_servers": [server], "ice_transport_policy": "all", "bundle_policy": "max-bundle"}
    await a("set_configuration", configuration={**read, "ice_servers": [], "ice_transport_policy": "relay"})
    assert (await a("get_configuration"))["configuration"]["ice_transport_policy"] == "relay"
    other = a("set_configuration", configuration={"bundle_policy": "balanced"})
    assert (await refused(other)).code == "InvalidModificationError"


@needs_wrtc
async def test_a_transport_that_is_bundled_away_is_reported_as_closed(make):
    a, b = make("wrtc"), make("wrtc")
    await a("add_track", media=TONE)
    await a("create_data_channel", label="chat", options={})
    await negotiate(a, b)
    await connected(a, b)
    assert [a.objects[dtls]["state"] for dtls in ("dtls:1", "dtls:2")] == ["connected", "closed"]
    assert a.objects[a.pc("sctp")]["transport"] == a.objects["sender:1"]["transport"] == "dtls:1"


@needs_wrtc
async def test_the_largest_message_crosses_as_a_whole_number(make):
    a, b = make("wrtc"), make("wrtc")
    await a("create_data_channel", label="chat", options={})
    await negotiate(a, b)
    await connected(a, b)
    size = a.objects[a.pc("sctp")]["max_message_size"]
    assert isinstance(size, int)
    assert size == 262_144


# Tracks and directions


@both_engines
async def test_a_track_is_replaced_disabled_and_its_direction_changed(make, engine):
    a, b = make(engine), make("aiortc")
    await a("add_track", media=TONE)
    await negotiate(a, b)
    await connected(a, b)

    async def hears(sound: bool) -> None:
        async with asyncio.timeout(HANGS):
            while True:
                levels = [report.get("audioLevel", 0) for report in await b.stats("inbound-rtp")]
                if levels and (levels[0] > 0.05) is sound:
                    return
                await asyncio.sleep(0.05)

    await hears(True)
    track = a.objects["sender:1"]["track"]
    await a("set_track_enabled", track=track, enabled=False)
    assert a.objects[track]["enabled"] is False
    await hears(False)
    await a("replace_track", sender="sender:1", media={"kind": "tone", "hz": 880})
    assert a.objects["sender:1"]["track"] != track
    assert a.objects[track]["ready_state"] == "ended", "no message can name it again"
    await hears(True)
    needed = a.names("pc").count("negotiationneeded")
    await a("set_direction", transceiver="transceiver:1", direction="inactive")
    assert a.objects["transceiver:1"]["direction"] == "inactive"
    await eventually(lambda: a.names("pc").count("negotiationneeded") == needed + 1)


@both_engines
async def test_a_message_watches_its_channel_alone(make, engine):
    a, b = make(engine), make("aiortc")
    await a("create_data_channel", label="chat", options={})
    await negotiate(a, b)
    await a.until("ready_state", "open", "channel:1")
    await b.until("ready_state", "open", "channel:1")
    [peer] = a.page._session._peers.values()
    watched = []
    snapshot = peer._record._snapshot

    def watch(only):
        watched.append(only)
        return snapshot(only)

    peer._record._snapshot = watch
    await b("send", channel="channel:1", text="Hello")
    await eventually(lambda: a.payloads("message"))
    await a("send", channel="channel:1", text="Hello")
    assert watched.count("channel:1") == 3, "the message, and the call and the end of send"


# The network of aiortc


async def test_the_network_of_a_peer_is_broken_on_purpose(make):
    a, b = make("aiortc"), make("aiortc")
    await a("add_track", media=TONE)
    await negotiate(a, b)
    await connected(a, b)
    assert (await a.page.network()).sent.lost == 0
    await a.page.network(loss=0.5, seed=1, direction="sent")
    async with asyncio.timeout(HANGS):
        while (report := await a.page.network()).sent.lost < 50:
            await asyncio.sleep(0.1)
    assert 0.25 < report.sent.lost / (report.sent.lost + report.sent.carried) < 0.75
    assert report.received.dropped == 0
    report = await a.page.network(down=True)
    async with asyncio.timeout(HANGS):
        while (await a.page.network()).received.link_down < 3:
            await asyncio.sleep(0.1)
    with pytest.raises(ValueError, match="loss must be"):
        await a.page.network(loss=10)
    with pytest.raises(TypeError):
        await a.page.network(lost=1)


async def test_a_peer_is_put_behind_a_nat(make):
    a = make("aiortc")
    await a.create()
    await a.page.network(nat="symmetric")
    await a("create_data_channel", label="chat", options={})
    await a("set_local_description", description=None)
    assert any("10.0.0.2" in candidate["candidate"] for candidate in a.candidates())
    with pytest.raises(NetworkUnsupported, match="before set_local_description"):
        await a.page.network(nat="open")


@needs_wrtc
async def test_the_network_of_libwebrtc_cannot_be_broken(make):
    a = make("wrtc")
    await a.create()
    with pytest.raises(NetworkUnsupported, match='page="aiortc"'):
        await a.page.network(loss=0.1)


# The end


@both_engines
async def test_a_closed_peer_refuses_all_but_its_statistics(make, engine):
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
    await asyncio.sleep(0.1)
    assert len(a.events) == last


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
