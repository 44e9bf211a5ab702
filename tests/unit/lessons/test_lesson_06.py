"""The exercises about offers accept what is right, and name what is wrong."""

from __future__ import annotations

import pytest

from rtc_widget import SessionDescription
from rtc_widget.lessons import capture_names, captured, check
from rtc_widget.lessons.lesson_06 import broken_offer

OFFER = captured("chromium-offer-audio-data").sdp
RTPMAP = "a=rtpmap:0 PCMU/8000\r\n"
WITHOUT = OFFER.replace(RTPMAP, "").replace(" 9 0 8 ", " 9 8 ")
LINES = [
    "v=0",
    "o=- 1 1 IN IP4 0.0.0.0",
    "s=-",
    "t=0 0",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "a=mid:0",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:" + 24 * "x",
    "a=fingerprint:sha-256 " + ":".join(32 * ["AB"]),
    "a=setup:active",
]


def text(lines):
    return "".join(f"{line}\r\n" for line in lines)


@pytest.mark.parametrize("name", capture_names())
def test_a_captured_description_is_sound(name):
    assert captured(name).check() == ()
    assert captured(name).sdp.endswith("\r\n")


def test_a_capture_that_is_missing_is_named():
    with pytest.raises(KeyError, match=r"name must be one of chromium-answer-audio-data, .*got 'safari'"):
        captured("safari")


@pytest.mark.parametrize(("side", "words"), [("offerer", "actpass"), ("both", "one side"), ("active", "one side")])
def test_who_starts_dtls(side, words):
    assert words in check("who starts DTLS", side).text
    assert not check("who starts DTLS", side)
    assert check("who starts DTLS", " Answerer ")


@pytest.mark.parametrize(
    ("offer", "words"),
    [
        (OFFER, "still lists the payload type 0"),
        (OFFER.replace(" 9 0 8 ", " 9 8 "), "still describes"),
        (OFFER.replace(RTPMAP, ""), "still lists"),
        (WITHOUT.replace("a=rtpmap:8 PCMA/8000\r\n", ""), "remove only what belongs to PCMU"),
        (WITHOUT.replace(" 111 63 ", " 63 111 "), "in their order"),
        (WITHOUT.replace("a=mid:0\r\n", "a=mid 0\r\n"), "must stay a valid offer"),
        ("", "must begin with the section m=audio"),
    ],
)
def test_removing_a_codec(offer, words):
    assert words in check("an offer without PCMU", offer).text
    assert not check("an offer without PCMU", offer)
    assert check("an offer without PCMU", WITHOUT)
    assert check("an offer without PCMU", SessionDescription(WITHOUT, type="offer"))


@pytest.mark.parametrize("left", LINES)
def test_the_shortest_answer_needs_each_of_its_lines(left):
    assert check("the shortest answer", text(LINES))
    assert not check("the shortest answer", text(line for line in LINES if line != left))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([*LINES, "a=sctp-port:5000", "a=max-message-size:65536", "a=ice-options:trickle"], "13 lines; 12 are enough"),
        ([line.replace("active", "actpass") for line in LINES], "actpass"),
        ([line.replace(" 9 ", " 0 ") for line in LINES], "refuses the section"),
    ],
)
def test_an_answer_that_is_too_long_or_refuses(lines, words):
    result = check("the shortest answer", text(lines))
    assert not result
    assert words in result.text
    assert check("the shortest answer", text([*LINES, "a=sctp-port:5000"])).text.startswith("11 lines")


def test_the_shortest_answer_says_what_the_standards_demand():
    assert "the RFCs also demand c= and a=sctp-port" in check("the shortest answer", text(LINES)).text
    section = next(place for place, line in enumerate(LINES) if line.startswith("m=")) + 1
    whole = [*LINES[:section], "c=IN IP4 0.0.0.0", *LINES[section:], "a=sctp-port:5000"]
    assert check("the shortest answer", text(whole))


def test_the_broken_lines():
    faults = {fault.line_number for fault in broken_offer().check() if fault.line_number}
    assert len(faults) == 3
    assert check("the broken lines", sorted(faults))
    assert "2 more lines" in check("the broken lines", min(faults)).text
    assert "1 more line " in check("the broken lines", sorted(faults)[:2]).text
    assert "line 1 has no fault" in check("the broken lines", [1, *faults]).text


def test_a_changed_fingerprint():
    assert check("a changed fingerprint", "connected", "failed")
    assert "looks for a way" in check("a changed fingerprint", "failed", "failed").text
    assert "compares the certificate" in check("a changed fingerprint", "connected", "connected").text
