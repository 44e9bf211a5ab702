"""What an offer and its answer say together: negotiated, refused, changed."""

from __future__ import annotations

import pytest

from rtc_widget import SessionDescription
from tests.unit.sdp.test_faults import PAIRS
from tests.unit.sdp.texts import MINIMAL, capture, changed

ANSWER = MINIMAL.replace("actpass", "active").replace(":".join(["AB"] * 32), ":".join(["CD"] * 32))


def answer(old: str = "", new: str = "") -> SessionDescription:
    assert old in ANSWER
    return SessionDescription(ANSWER.replace(old, new, 1) if old else ANSWER, type="answer")


def of(difference, topic: str) -> list[tuple[str, str]]:
    return [(finding.outcome, finding.text) for finding in difference.findings if finding.topic == topic]


@pytest.fixture
def offer() -> SessionDescription:
    return SessionDescription(MINIMAL, type="offer")


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_the_answer_of_a_browser_has_no_error(first, second):
    difference = capture(first).diff(capture(second))
    assert difference.kind == "negotiation"
    assert difference.errors == ()
    assert difference.negotiated
    assert "<table>" in difference._repr_html_()


def test_one_codec_of_eight_is_accepted():
    difference = capture("chromium-offer-audio-data").diff(capture("openai-shaped-answer-audio-data"))
    audio = difference.sections[0]
    assert [str(codec) for codec in audio.negotiated_codecs] == ["opus/48000/2"]
    assert [codec.name for codec in audio.refused_codecs][:2] == ["red", "G722"]
    assert len(audio.refused_codecs) == 7
    assert any(finding.topic == "header extensions" for finding in difference.refused)
    assert ("negotiated", "The sections 0, 1 share one transport.") in of(difference, "BUNDLE")


def test_codecs_are_matched_by_meaning_and_not_by_number(offer):
    moved = ANSWER.replace("SAVPF 111 0", "SAVPF 96 0").replace(":111 ", ":96 ")
    difference = offer.diff(SessionDescription(moved, type="answer"))
    assert difference.sections[0].refused_codecs == ()
    [finding] = [finding for finding in difference.changed if finding.topic == "payload types"]
    assert (finding.before, finding.after) == ("opus/48000/2: 111", "opus/48000/2: 96")


def test_h264_codecs_differ_by_profile_and_packetization():
    video = capture("chromium-offer-audio-video-data").media[1]
    assert [codec.name for codec in video.codecs].count("H264") == 6
    difference = capture("chromium-offer-audio-video-data").diff(capture("firefox-answer-to-chromium-audio-video-data"))
    kept = [codec.name for codec in difference.sections[1].negotiated_codecs]
    assert "VP8" in kept
    assert "rtx" in kept
    assert {codec.name for codec in difference.sections[1].refused_codecs} >= {"H264"}


@pytest.mark.parametrize(
    ("offered", "answered", "outcome", "text"),
    [
        ("sendrecv", "sendrecv", "negotiated", "Both sides send and receive."),
        ("sendrecv", "recvonly", "changed", "Only the offerer sends."),
        ("sendrecv", "sendonly", "changed", "Only the answerer sends."),
        ("sendonly", "recvonly", "negotiated", "Only the offerer sends."),
        ("recvonly", "sendonly", "negotiated", "Only the answerer sends."),
        ("sendrecv", "inactive", "changed", "Neither side sends."),
        ("inactive", "inactive", "negotiated", "Neither side sends."),
        ("sendonly", "sendrecv", "error", "An answer to sendonly must not be sendrecv."),
        ("recvonly", "recvonly", "error", "An answer to recvonly must not be recvonly."),
    ],
)
def test_the_direction_is_seen_from_both_sides(offered, answered, outcome, text):
    difference = changed("a=sendrecv", f"a={offered}").diff(answer("a=sendrecv", f"a={answered}"))
    assert of(difference, "direction") == [(outcome, text)]


@pytest.mark.parametrize(
    ("offered", "answered", "outcome", "text"),
    [
        ("actpass", "active", "negotiated", "The answerer starts the handshake, as DTLS client."),
        ("actpass", "passive", "negotiated", "The offerer starts the handshake, as DTLS client."),
        ("active", "active", "error", "Both sides are active: no handshake can begin."),
        ("actpass", "actpass", "error", "The setup of an answer must be active or passive, got actpass."),
    ],
)
def test_who_starts_dtls(offered, answered, outcome, text):
    first = SessionDescription(MINIMAL.replace("actpass", offered), type="offer")
    second = SessionDescription(ANSWER.replace("a=setup:active", f"a=setup:{answered}"), type="answer")
    assert of(first.diff(second), "DTLS") == [(outcome, text)] * 2


@pytest.mark.parametrize(
    ("old", "new", "topic", "outcome", "text"),
    [
        ("m=audio 9 ", "m=audio 0 ", "section", "refused", "The answer refuses the section."),
        ("BUNDLE 0 1", "BUNDLE 0", "BUNDLE", "refused", "Not in the bundle: 1."),
        ("a=group:BUNDLE 0 1\r\n", "", "BUNDLE", "refused", "Each section has a transport of its own."),
        ("BUNDLE 0 1", "BUNDLE 0 2", "BUNDLE", "error", "The answer bundles what the offer did not: 2."),
        ("a=mid:0", "a=mid:a", "mid", "error", "The answer must repeat the mid of the offer."),
        ("a=rtcp-mux\r\n", "", "rtcp-mux", "refused", "The answer does not accept rtcp-mux."),
        ("a=rtcp-mux", "a=rtcp-mux\r\na=rtcp-rsize", "rtcp-rsize", "error", "An answer must not add rtcp-rsize"),
        ("a=mid:0", "a=mid:0\r\na=extmap:1 urn:x", "header extensions", "error", "An answer must not add"),
        ("opus/48000/2", "vorbis/48000/2", "codecs", "changed", "The answer names codecs that the offer does not have"),
        ("SAVPF 111 0", "SAVPF 0 111", "order of codecs", "changed", "The answer prefers another order."),
        ("useinbandfec=1", "usedtx=1", "parameters of opus/48000/2", "changed", "Each side states"),
        ("a=rtcp-fb:111 transport-cc\r\n", "", "feedback for opus/48000/2", "refused", "Not used: transport-cc."),
        ("m=application", "m=video", "section", "error", "Both must have the same kind of media at the same position."),
        ("s=-", "s=-\r\na=ice-lite", "ICE role", "negotiated", "The offerer is controlling and nominates the pair."),
    ],
)
def test_a_finding_says_what_the_answer_did(offer, old, new, topic, outcome, text):
    found = of(offer.diff(answer(old, new)), topic)
    assert [one for one, words in found if one == outcome and words.startswith(text)], found


def test_each_side_has_its_own_largest_message(offer):
    difference = offer.diff(answer("a=sctp-port:5000", "a=sctp-port:5000\r\na=max-message-size:0"))
    text = "The offerer may send any size in a message, the answerer 65536 bytes."
    assert of(difference, "max-message-size") == [("changed", text)]


def test_an_offerer_that_alone_is_ice_lite_is_controlled():
    difference = changed("s=-", "s=-\r\na=ice-lite").diff(answer())
    assert of(difference, "ICE role") == [("negotiated", "The answerer is controlling and nominates the pair.")]


def test_missing_sections_and_a_copied_offer_are_errors(offer):
    short = SessionDescription(ANSWER[: ANSWER.index("m=application")], type="answer")
    assert [finding.topic for finding in offer.diff(short).errors] == ["media sections", "section"]
    copied = offer.diff(SessionDescription(MINIMAL, type="answer"))
    assert "certificate" in [finding.topic for finding in copied.errors]


def test_two_offers_are_compared_as_an_earlier_and_a_later_one(offer):
    same = offer.diff(offer)
    assert (same.kind, same.findings) == ("revision", ())
    assert "no difference" in same._repr_html_()
    later = (
        MINIMAL.replace("o=- 1 1", "o=- 1 2")
        .replace("uFrG", "NewU")
        .replace("AB:AB", "EF:AB")
        .replace("a=sendrecv", "a=inactive")
        .replace("SAVPF 111 0", "SAVPF 111 8")
        + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:2\r\n"
    )
    texts = [finding.text for finding in offer.diff(SessionDescription(later, type="offer")).findings]
    for words in (
        "The version in the o= line grows with each new description.",
        "New ICE credentials: this is an ICE restart.",
        "The certificate is another one: a new DTLS handshake is needed.",
        "The direction is another one.",
        "1 codec was removed: PCMU/8000.",
        "1 codec was added: PCMA/8000.",
        "The section is new.",
    ):
        assert words in texts
    back = SessionDescription(later, type="offer").diff(offer)
    assert "A section must not disappear; port 0 stops it." in [finding.text for finding in back.errors]


def test_a_stopped_transceiver_shows_between_two_offers():
    difference = capture("chromium-offer-before-video-stopped").diff(capture("chromium-offer-video-stopped"))
    assert ("changed", "The section is stopped or refused.") in of(difference, "section")


def test_the_difference_is_text_and_a_table(offer):
    difference = offer.diff(answer("a=sendrecv", "a=recvonly"))
    assert "≠ direction: Only the offerer sends." in repr(difference)
    table = difference.to_pandas()
    assert list(table.columns) == ["section", "topic", "outcome", "offer", "answer", "text"]
    assert len(table) == len(difference.findings)
    for text in (repr(difference), difference._repr_html_(), table.to_string()):
        assert not any(secret in text for secret in ("192.0.2", "secretsecret", "AB:AB", "uFrG"))


def test_only_a_description_can_be_compared(offer):
    with pytest.raises(TypeError, match="other must be a SessionDescription, got str"):
        offer.diff(ANSWER)
