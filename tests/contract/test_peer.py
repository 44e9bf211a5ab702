"""The kernel half of the peer connection against the contract that the page halves assert as well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import traitlets

from rtc_widget import PeerConnection, errors
from rtc_widget.comm import messages, protocol
from rtc_widget.comm.decoding import MalformedMessage, decode_fields
from rtc_widget.peers import objects
from rtc_widget.peers.operations import OPERATIONS
from rtc_widget.peers.record import TRAITS, ConnectionRecord

CONTRACT = json.loads((Path(__file__).parent / "peer.json").read_text(encoding="utf-8"))
DTLS_STATES = json.loads((Path(__file__).parent / "peer_dtls_state.json").read_text(encoding="utf-8"))
KINDS = {
    "transceiver": objects.RtpTransceiver,
    "sender": objects.RtpSender,
    "receiver": objects.RtpReceiver,
    "track": objects.MediaStreamTrack,
    "channel": objects.DataChannel,
    "dtls": objects.DtlsTransport,
    "ice": objects.IceTransport,
    "sctp": objects.SctpTransport,
}


@pytest.mark.parametrize("name", CONTRACT["states"])
def test_a_state_has_the_values_and_the_default_of_the_contract(name):
    trait = PeerConnection.class_traits(sync=True)[name]
    assert isinstance(trait, traitlets.Enum)
    assert list(trait.values) == CONTRACT["states"][name]["enum"]
    assert trait.default() == CONTRACT["states"][name]["default"]
    assert trait.read_only


def test_the_operations_are_those_of_the_contract():
    assert set(OPERATIONS) == set(CONTRACT["operations"])


@pytest.mark.parametrize("op", CONTRACT["operations"])
def test_an_operation_has_the_arguments_of_the_contract(op):
    arguments = {frozenset(argument.split("|")) for argument in OPERATIONS[op][0]}
    given = set(CONTRACT["operations"][op]["args"])
    assert all(len(alternatives & given) == 1 for alternatives in arguments)
    assert len(arguments) == len(given)


@pytest.mark.parametrize("op", CONTRACT["operations"])
def test_a_sample_result_is_accepted_and_complete(op):
    sample = CONTRACT["operations"][op]["result"]
    result = decode_fields(OPERATIONS[op][1], sample)
    fields = type(result).__dataclass_fields__
    assert set(fields) == set(sample)
    for field in fields:
        with pytest.raises(MalformedMessage):
            decode_fields(OPERATIONS[op][1], {name: value for name, value in sample.items() if name != field})


@pytest.mark.parametrize("name", CONTRACT["events"])
def test_a_sample_event_is_understood(name):
    sample = CONTRACT["events"][name]
    batch = {**CONTRACT["from_page"]["peer_events"], "events": [[1.5, sample["source"], name, sample["payload"], {}]]}
    decoded = protocol.decode(batch)
    assert isinstance(decoded, messages.PeerEvents)
    event = decoded.events[0]
    assert (event.source, event.type, event.payload) == (sample["source"], name, sample["payload"] or {})


def test_samples_of_the_page_are_understood():
    events = protocol.decode(CONTRACT["from_page"]["peer_events"])
    assert isinstance(events, messages.PeerEvents)
    assert (events.peer, events.first, events.events[0].changes) == (
        "c1",
        0,
        {"pc": {"signaling_state": "have-local-offer"}},
    )
    reply = protocol.decode(CONTRACT["from_page"]["reply_error"])
    assert isinstance(reply, messages.Reply)
    assert isinstance(errors.error_from_wire(reply.error or {}), errors.InvalidStateError)


@pytest.mark.parametrize("field", ["page", "peer", "first", "events"])
def test_events_without_a_required_field_are_refused(field):
    message = {key: value for key, value in CONTRACT["from_page"]["peer_events"].items() if key != field}
    with pytest.raises(MalformedMessage):
        protocol.decode(message)


@pytest.mark.parametrize(
    "event", [[1, "pc", "x", None], [1, "pc", "x", 7, {}], ["1", "pc", "x", None, {}], [1, "pc", "x", None, {"pc": 1}]]
)
def test_a_malformed_event_is_refused(event):
    with pytest.raises(MalformedMessage):
        protocol.decode({**CONTRACT["from_page"]["peer_events"], "events": [event]})


def test_the_request_is_that_of_the_contract():
    made = protocol.request("peer", "p1", "k:1", peer="c1", op="create_offer", args={"ice_restart": False})
    assert made == CONTRACT["to_page"]["peer"]
    assert protocol.cancel("p1", "k:1") == CONTRACT["to_page"]["cancel"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_has_the_attributes_of_the_contract(kind):
    attributes = {name for name, value in vars(KINDS[kind]).items() if isinstance(value, objects.Attribute)}
    assert attributes == set(CONTRACT["objects"][kind])


def test_the_connection_has_the_attributes_of_the_contract():
    assert all(hasattr(PeerConnection, name) for name in CONTRACT["objects"]["pc"])
    assert set(TRAITS) <= set(CONTRACT["objects"]["pc"]) & set(PeerConnection.class_traits())


@pytest.mark.parametrize("name", [*CONTRACT["error_names"], "peer_not_found", "too_many_peers"])
def test_an_error_name_has_a_class_with_reason_and_next_step(name):
    error = errors.error_from_wire({"code": name, "message": "m", "hint": ""})
    assert isinstance(error, errors.WebRTCError)
    assert error.name == name
    texts = [type(error).explained("m", op, "stable") for op in OPERATIONS]
    assert all(one.why.endswith(".") and one.what_next.endswith(".") for one in texts)


def test_every_text_names_known_operations_states_and_errors():
    texts = json.loads((Path(errors.__file__).parent / "webrtc.json").read_text(encoding="utf-8"))
    assert set(texts) >= set(CONTRACT["error_names"])
    for name, entries in texts.items():
        assert issubclass(type(errors.error_from_wire({"code": name, "message": "m"})), errors.WebRTCError)
        for entry in entries:
            assert set(entry.get("ops", ())) <= set(OPERATIONS)
            assert set(entry.get("states", ())) <= set(CONTRACT["states"]["signaling_state"]["enum"])
        assert not {"ops", "states"} & set(entries[-1]), "the last entry fits everything"


@pytest.mark.parametrize("case", DTLS_STATES, ids=lambda case: case["name"])
def test_the_dtls_state_is_that_of_the_transport_in_use(case):
    traits: dict[str, object] = {}
    record = ConnectionRecord(traits.update, lambda _handle: None)
    batch = {**CONTRACT["from_page"]["peer_events"], "events": [[1.5, "pc", "statechange", None, case["objects"]]]}
    decoded = protocol.decode(batch)
    assert isinstance(decoded, messages.PeerEvents)
    record.take(decoded.events, 0)
    assert traits["dtls_state"] == case["state"]
