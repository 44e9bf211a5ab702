"""A session description keeps its text, cannot be changed, and says what its lines mean."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from rtc_widget import SessionDescription
from rtc_widget.errors import InvalidSdp
from tests.unit.sdp.texts import MINIMAL, NAMES, capture, changed, random_texts


@pytest.mark.parametrize("name", NAMES)
def test_a_captured_text_stays_as_it_is(name):
    description = capture(name)
    assert "".join(line.text + line.end for line in description.lines) == str(description) == description.sdp
    assert all(line.end == "\r\n" for line in description.lines)


def test_any_text_stays_as_it_is():
    for text in random_texts(400):
        lines = SessionDescription(text).lines
        assert "".join(line.text + line.end for line in lines) == text
        assert [line.number for line in lines] == list(range(1, len(lines) + 1))
        assert not any("\n" in line.text for line in lines)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("v=0", [("v=0", "")]),
        ("v=0\r", [("v=0\r", "")]),
        ("v=0\r\ns=-\n", [("v=0", "\r\n"), ("s=-", "\n")]),
        ("a\rb\r\r\n\n", [("a\rb\r", "\r\n"), ("", "\n")]),
        ("s=a\x0cb\u2028c\x85d\n", [("s=a\x0cb\u2028c\x85d", "\n")]),
        ("\ud800\r\n", [("\ud800", "\r\n")]),
    ],
)
def test_only_line_feeds_end_a_line(text, lines):
    assert [(line.text, line.end) for line in SessionDescription(text).lines] == lines


def test_nothing_raises_for_any_text():
    for number, text in enumerate(random_texts(60)):
        description = SessionDescription(text, type=["offer", "answer", None][number % 3])
        repr(description), hash(description), description.session.bundles, description.session.version
        for section in description.media:
            for name in dir(section):
                if not name.startswith("_"):
                    getattr(section, name)
            repr(section)
        description._repr_html_().encode()
        repr(description.show()).encode()
        other = capture(NAMES[number % len(NAMES)])
        repr(description.diff(other)).encode()
        other.diff(description)._repr_html_().encode()
        faults = description.check(other)
        if faults:
            with pytest.raises(InvalidSdp) as caught:
                description.require_valid(other)
            assert caught.value.line_number == faults[0].line_number


def test_what_else_describes_a_session_is_accepted():
    text = MINIMAL
    expected = SessionDescription(text, type="offer")
    assert SessionDescription({"type": "offer", "sdp": text}) == expected
    assert SessionDescription(SimpleNamespace(type="offer", sdp=text)) == expected
    assert SessionDescription(expected) == expected
    assert SessionDescription(expected, type="answer").type == "answer"
    assert SessionDescription({"type": "rollback"}).sdp == ""
    assert expected.to_json() == {"type": "offer", "sdp": text}


@pytest.mark.parametrize("wrong", [None, 3, b"v=0", ["v=0"], {"sdp": 3}])
def test_what_is_no_text_is_a_type_error(wrong):
    with pytest.raises(TypeError, match="description must be SDP text, or have the fields sdp and type; got "):
        SessionDescription(wrong)


def test_only_the_types_of_the_standard_are_accepted():
    with pytest.raises(ValueError, match="type must be one of 'offer', 'pranswer', 'answer', 'rollback'; got 'Offer'"):
        SessionDescription(MINIMAL, type="Offer")


def test_descriptions_are_equal_by_text_and_type():
    one, same = SessionDescription(MINIMAL, type="offer"), SessionDescription(str(MINIMAL), type="offer")
    assert one == same
    assert len({one, same, SessionDescription(MINIMAL, type="answer"), SessionDescription(MINIMAL)}) == 3
    assert one != MINIMAL


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_description_and_its_parts_can_be_copied(copied):
    description = capture("chromium-offer-simulcast")
    assert description.media
    assert copied(description) == description
    assert copied(description.media) == description.media
    assert copied(description.media[0].codecs) == description.media[0].codecs
    assert hash(copied(description.media[1])) == hash(description.media[1])
    difference = description.diff(capture("chromium-answer-simulcast"))
    assert copied(difference) == difference


def test_a_description_cannot_be_changed():
    description = capture("chromium-offer-audio-data")
    with pytest.raises(AttributeError, match="create one from the changed text"):
        description.sdp = ""
    with pytest.raises(AttributeError, match="create one from the changed text"):
        del description.type
    with pytest.raises(AttributeError):
        description.media[0].codecs[0].parameters.x = 1
    with pytest.raises(TypeError):
        description.media[0].codecs[0].parameters["x"] = "1"


def test_the_sections_of_an_offer_of_chromium():
    offer = capture("chromium-offer-audio-data")
    assert repr(offer) == "<SessionDescription: offer; audio + data; 56 lines>"
    assert offer.session.bundles == (("0", "1"),)
    assert offer.session.version == 2
    audio, data = offer.media
    assert (audio.kind, audio.mid, audio.direction, audio.protocol) == ("audio", "0", "sendrecv", "UDP/TLS/RTP/SAVPF")
    assert [codec.payload_type for codec in audio.codecs] == [111, 63, 9, 0, 8, 13, 110, 126]
    opus = audio.codec("OPUS")
    assert opus is not None
    assert (opus.name, opus.clock_rate, opus.channels) == ("opus", 48000, 2)
    assert dict(opus.parameters) == {"minptime": "10", "useinbandfec": "1"}
    assert opus.feedback == ("transport-cc",)
    assert str(opus) == "opus/48000/2"
    first, *_, last = audio.candidates
    assert (first.type, first.transport, first.component, first.address) == ("host", "udp", 1, "192.0.2.10")
    assert first.type_preference == 126
    assert dict(first.extensions) == {"generation": "0", "network-id": "1"}
    assert (last.transport, last.tcp_type, last.port) == ("tcp", "active", 9)
    assert (audio.setup, audio.rtcp_mux, audio.rtcp_rsize) == ("actpass", True, True)
    assert [extension.id for extension in audio.extensions] == [1, 2, 3, 4]
    assert audio.sources[0].attributes["cname"]
    assert audio.ice_options == ("trickle",)
    assert len(audio.fingerprints[0].value) == 32 * 3 - 1
    assert (data.is_data, data.sctp_port, data.max_message_size, data.codecs) == (True, 5000, 262144, ())
    assert offer.section("1") == data
    assert offer.section("2") is None


def test_what_stands_in_the_session_holds_for_its_sections():
    answer = capture("firefox-answer-simulcast")
    assert answer.media[1].value("fingerprint") is None
    assert answer.media[1].fingerprints[0].algorithm == "sha-256"
    assert answer.media[2].ice_options == ("trickle",)
    assert SessionDescription("v=0\r\na=inactive\r\nm=audio 9 RTP/AVP 0\r\n").media[0].direction == "inactive"
    assert SessionDescription("v=0\r\nm=audio 9 RTP/AVP 0\r\n").media[0].direction == "sendrecv"


def test_simulcast_streams_and_repair():
    video = capture("firefox-offer-simulcast").media[1]
    assert video.simulcast is not None
    assert video.simulcast.send == tuple(rid.id for rid in video.rids)
    assert {rid.direction for rid in video.rids} == {"send"}
    assert video.codecs[1].repairs == video.codecs[0].payload_type
    [group, *_] = capture("aiortc-offer-audio-video-data").media[1].source_groups
    assert group.semantics == "FID"
    assert len(group.ssrcs) == 2


def test_a_hidden_address_and_a_refused_section():
    assert all(candidate.is_mdns for candidate in capture("chromium-offer-mdns").media[0].candidates)
    refused = capture("chromium-answer-video-stopped").media[1]
    assert (refused.is_refused, refused.sends, refused.receives) == (True, False, False)
    bundled = SessionDescription("v=0\r\nm=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=bundle-only\r\n").media[0]
    assert not bundled.is_refused
    assert capture("openai-shaped-answer-audio-data").ice_lite


def test_fixed_payload_types_need_no_line():
    [codec, unknown] = SessionDescription("m=audio 9 RTP/AVP 0 99\r\na=rtcp-fb:* nack\r\n").media[0].codecs
    assert (codec.name, codec.clock_rate, codec.feedback) == ("PCMU", 8000, ("nack",))
    assert (unknown.name, unknown.clock_rate, str(unknown)) == ("", None, "unknown")


@pytest.mark.parametrize(
    ("value", "size"), [("", 65536), ("a=max-message-size:0\r\n", 0), ("a=max-message-size:x\r\n", None)]
)
def test_the_largest_message(value, size):
    assert SessionDescription(MINIMAL + value).media[1].max_message_size == size


def test_a_value_that_cannot_be_read_is_none():
    assert changed("m=audio 9 ", "m=audio nine ").media[0].port is None
    assert changed("m=audio 9 ", "m=audio ٩ ").media[0].port is None
    assert changed("50000 typ", "5OOOO typ").media[0].candidates[0].port is None
    assert changed(" 50000 typ host", "").media[0].candidates == ()


def test_no_representation_has_an_address_or_a_credential():
    description = SessionDescription(MINIMAL, type="offer")
    [audio, data] = description.media
    shown = [description, audio, data, audio.candidates, audio.fingerprints, description.lines, description.check()]
    shown += [description.session, description.diff(description), description.show(secrets=False)]
    for thing in shown:
        assert not re.search(r"192\.0\.2|secretsecret|uFrG|AB:AB", repr(thing)), repr(thing)


@pytest.mark.process
def test_the_package_stays_light():
    """Neither pandas nor the data files are read before they are used."""
    program = (
        "import sys, time, rtc_widget; rtc_widget.SessionDescription('v=0').media;"
        "print({'pandas', 'anywidget', 'httpx', 'aiortc', 'tomllib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
