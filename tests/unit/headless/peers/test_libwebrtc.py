"""What only libwebrtc has."""

from __future__ import annotations

from tests.limits import eventually
from tests.unit.headless.peer_driver import (
    TONE,
    connected,
    needs_wrtc,
    negotiate,
    refused,
)


@needs_wrtc
async def test_an_offer_is_rolled_back(make):
    a = make("wrtc")
    await a("create_data_channel", label="chat", options={})
    await a("set_local_description", description=None)
    assert a.pc("signaling_state") == "have-local-offer"
    assert a.pc("pending_local_description")["type"] == "offer"
    needed = a.names("pc").count("negotiationneeded")
    await a("set_local_description", description={"type": "rollback", "sdp": ""})
    assert (a.pc("signaling_state"), a.pc("local_description")) == ("stable", None)
    # Candidates that were still gathered may come after it.
    await eventually(lambda: a.names("pc").count("negotiationneeded") > needed)


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
