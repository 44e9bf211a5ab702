"""What a peer refuses, by its W3C name, and in words what an engine lacks."""

from __future__ import annotations

from tests.unit.headless.peer_driver import (
    TONE,
    both_engines,
    refused,
)

GARBAGE = {"type": "offer", "sdp": "v=0\r\ngarbage\r\n"}


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
