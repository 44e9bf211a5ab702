"""`check` names the line and the reason of each fault, and finds none in what browsers write."""

from __future__ import annotations

import re

import pytest

from rtc_widget import SessionDescription
from rtc_widget.errors import InvalidSdp, RtcWidgetError
from tests.unit.sdp.texts import MINIMAL, NAMES, capture, changed, random_texts


@pytest.mark.parametrize("name", NAMES)
def test_a_captured_description_has_no_fault(name):
    capture(name).require_valid()
    assert capture(name).check() == ()


PAIRS = [
    ("chromium-offer-audio-video-data", "chromium-answer-audio-video-data"),
    ("chromium-offer-simulcast", "chromium-answer-simulcast"),
    ("chromium-offer-video-stopped", "chromium-answer-video-stopped"),
    ("firefox-offer-audio-video-data", "firefox-answer-audio-video-data"),
    ("chromium-offer-audio-data", "firefox-answer-to-chromium-audio-data"),
    ("chromium-offer-audio-data", "openai-shaped-answer-audio-data"),
    ("aiortc-offer-audio-data", "chromium-answer-to-aiortc"),
]


@pytest.mark.parametrize(("offer", "answer"), PAIRS)
def test_a_captured_answer_fits_its_offer(offer, answer):
    assert capture(answer).check(capture(offer)) == ()


def test_the_minimal_offer_has_no_fault():
    assert SessionDescription(MINIMAL, type="offer").check() == ()


HASH = ":".join(["AB"] * 32)


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("v=0\r\n", "", 1, "the first line must be v=0, got 'o=-"),
        ("v=0", "v=1", 1, "the first line must be v=0, got 'v=1'"),
        ("v=0", "\ufeffv=0", 1, "byte order mark"),
        ("s=-", "session", 3, "a line must be a letter, \"=\" and a value, got 'session'"),
        ("s=-", "s =-", 3, "a line must be a letter"),
        ("s=-\r\n", "s=-\r\n\r\n", 4, "a line must not be empty"),
        ("a=rtcp-mux", "x=rtcp-mux", 15, "the letter must be one of v o s i u e p c b t r z k a m, got 'x'"),
        ("s=-", "S=-", 3, "the letter must be one of"),
        ("s=-", "s=\r-", 3, "a carriage return or a NUL"),
        ("o=- 1 1 IN", "o=- 1 IN", 2, "o= must have six fields"),
        ("t=0 0\r\n", "", None, "the session must have its t= line"),
        ("c=IN IP4 0.0.0.0", "c=IN IP4", 7, "c= must be IN, IP4 or IP6, and an address"),
        ("m=audio 9 ", "m=audio nine ", 6, "the port of m= must be a number from 0 to 65535, got 'nine'"),
        ("m=audio 9 ", "m=audio 65536 ", 6, "got '65536'"),
        ("m=audio 9 UDP/TLS/RTP/SAVPF 111 0", "m=audio 9", 6, "m= must have a kind, a port, a protocol and formats"),
        ("SAVPF 111 0", "SAVPF 111 0 96", 6, "payload type 96 must have an rtpmap line"),
        ("SAVPF 111 0", "SAVPF 111 0 0", 6, "a payload type must be listed once in m=, got '0' again"),
        ("SAVPF 111 0", "SAVPF 111 200", 6, "a payload type must be a number from 0 to 127, got '200'"),
        ("SAVPF 111 0", "SAVPF 0", 16, "rtpmap must be for a payload type of the m= line, got 111"),
        (
            "a=rtpmap:111 opus/48000/2",
            "a=rtpmap:111 opus",
            16,
            "rtpmap must be a payload type, a name and a clock rate",
        ),
        ("a=rtpmap:111 opus/48000/2", "a=rtpmap:opus/48000/2", 16, "rtpmap must begin with a payload type"),
        ("minptime=10", "apt=99", 17, "apt must name a payload type of the m= line, got '99'"),
        ("a=rtcp-fb:111", "a=rtcp-fb:112", 18, "rtcp-fb must be for a payload type of the m= line, got 112"),
        (" 50000 typ host", "", 8, "a candidate must have eight fields or more"),
        ("50000 typ", "70000 typ", 8, "the port of a candidate must be a number from 0 to 65535, got '70000'"),
        ("typ host", "typ home", 8, "the type of a candidate must be host, srflx, prflx or relay, got 'home'"),
        ("candidate:1 1 udp", "candidate:1 0 udp", 8, "the component of a candidate must be a number from 1 to 256"),
        (HASH, HASH[3:], 11, "a fingerprint of sha-256 must have 32 bytes, got 31"),
        (HASH, "xyz", 11, "a fingerprint must be hexadecimal pairs"),
        ("sha-256", "sha-257", 11, "the hash function of a fingerprint must be one of"),
        ("a=ice-ufrag:uFrG", "a=ice-ufrag:uFr", 9, "ice-ufrag must have 4 to 256 characters, got 3"),
        ("a=ice-pwd:secretsecretsecretsecret", "a=ice-pwd:secret", 10, "ice-pwd must have 22 to 256 characters, got 6"),
        ("a=ice-ufrag:uFrG", "a=ice-ufrag:uF-G", 9, "ice-ufrag must have letters, digits, + and / only"),
        ("a=ice-ufrag:uFrG\r\n", "", 6, "the section must have an a=ice-ufrag line"),
        ("a=fingerprint:sha-256 " + HASH + "\r\n", "", 6, "the section must have an a=fingerprint line"),
        ("a=setup:actpass\r\n", "", 6, "the section must have an a=setup line"),
        (
            "a=setup:actpass",
            "a=setup:server",
            12,
            "setup must be one of actpass, active, passive, holdconn; got 'server'",
        ),
        ("a=mid:1", "a=mid:0", 25, "a mid must be used once, got '0' in line 13, too"),
        ("BUNDLE 0 1", "BUNDLE 0 2", 5, "BUNDLE must name the mid of a media section, got '2'"),
        ("a=sendrecv", "a=sendrecv\r\na=sendonly", 15, "a media section must have one direction, got sendonly after"),
        ("a=sctp-port:5000", "a=sctp-port:any", 26, "sctp-port must be a number from 0 to 65535, got 'any'"),
        ("a=sctp-port:5000\r\n", "a=sctp-port:5000", 26, "the last line must have an end"),
    ],
)
def test_a_fault_has_its_line_and_its_reason(old, new, line, reason):
    faults = changed(old, new).check()
    assert (line, reason) in [(fault.line_number, reason) for fault in faults if reason in fault.reason], faults


def test_an_answer_must_choose_who_starts():
    faults = SessionDescription(MINIMAL, type="answer").check()
    assert [str(fault) for fault in faults] == [
        "line 12: the setup of an answer must be active or passive, got actpass",
        "line 24: the setup of an answer must be active or passive, got actpass",
    ]


def test_an_answer_must_have_the_sections_of_its_offer():
    offer = capture("chromium-offer-audio-data")
    answer = capture("chromium-answer-audio-data")
    short = SessionDescription(answer.sdp[: answer.sdp.index("m=application")], type="answer")
    assert any("as many media sections as its offer, 2, got 1" in fault.reason for fault in short.check(offer))
    renamed = SessionDescription(answer.sdp.replace("a=mid:0", "a=mid:a"), type="answer")
    assert any("the mid must be '0' as in the offer, got 'a'" in fault.reason for fault in renamed.check(offer))
    other = SessionDescription(answer.sdp.replace("m=audio", "m=video"), type="answer")
    assert any("media section 0 must be audio as in the offer" in fault.reason for fault in other.check(offer))


def test_an_empty_text_is_a_fault_but_for_a_rollback():
    assert [fault.line_number for fault in SessionDescription("", type="offer").check()] == [None]
    assert SessionDescription("", type="rollback").check() == ()


def test_the_error_names_the_line_and_what_to_do():
    description = changed("m=audio 9 ", "m=audio nine ")
    with pytest.raises(InvalidSdp, match=r"^Line 6: the port of m= must be .* got 'nine'") as caught:
        description.require_valid()
    error = caught.value
    assert (error.line_number, error.code) == (6, "invalid_sdp")
    assert error.reason.startswith("the port of m=")
    assert "description.check()" in error.hint
    assert isinstance(error, RtcWidgetError)
    assert isinstance(error, ValueError)


def test_faults_are_in_the_order_of_the_lines():
    for text in random_texts(100):
        numbers = [fault.line_number for fault in SessionDescription(text, type="answer").check()]
        known = [number for number in numbers if number is not None]
        assert known == sorted(known)
        assert numbers == known + [None] * (len(numbers) - len(known))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1 udp 2122194687", "udp 2122194687"),
        ("a=candidate:1 1 udp 2122194687 192.0.2.77", "candidate 192.0.2.77"),
        ("a=ice-pwd:secretsecretsecretsecret", "ice-pwd secretsecretsecretsecret"),
        ("a=ice-pwd:secretsecretsecretsecret", "a=ice-pwd:secretsecretsecretsecret!"),
        ("c=IN IP4 0.0.0.0", "c=192.0.2.77"),
        ("m=audio 9 ", "m=audio 192.0.2.77 "),
        ("SAVPF 111 0", "SAVPF 111 0 192.0.2.77"),
        ("a=mid:1", "a=mid:0 192.0.2.77"),
        ("BUNDLE 0 1", "BUNDLE 0 192.0.2.77"),
    ],
)
def test_no_fault_quotes_an_address_or_a_credential(old, new):
    faults = changed(old, new).check()
    assert faults
    assert not re.search(r"192\.0\.2|secretsecret", " ".join(map(str, faults))), faults
