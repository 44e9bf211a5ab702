"""What a notebook shows of a description: every line explained, nothing private, everything escaped."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest

from rtc_widget import SessionDescription, glossary
from rtc_widget._glossary.references import web_address
from rtc_widget.sdp.explanations import all_explanations, explain, known_kinds
from rtc_widget.sdp.lines import Line
from rtc_widget.sdp.private_parts import hidden, parts_of, without_credentials
from tests.limits import HANGS
from tests.unit.sdp.texts import MINIMAL, NAMES, capture, changed, random_texts


class Checker(HTMLParser):
    """Fails where tags do not fit each other; keeps the text and the names of the tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs), attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_there_is_an_explanation_for_more_than_75_kinds_of_line():
    assert len(known_kinds()) >= 75
    places = [place for place, _ in all_explanations()]
    for group, least in (
        ("codecs", 12),
        ("parameters", 15),
        ("feedback", 6),
        ("extensions", 14),
        ("candidate_fields", 12),
        ("candidate_types", 4),
    ):
        assert len([place for place in places if place.startswith(f"{group}/")]) >= least, group


def test_every_explanation_is_a_sentence_with_a_reference_and_known_terms():
    for place, explanation in all_explanations():
        assert explanation.says.endswith("."), place
        assert explanation.refs or place == "lines/a=", place
        for reference in explanation.refs:
            assert web_address(reference), (place, reference)
        for term in explanation.terms:
            assert glossary(term).name == term, (place, term)


@pytest.mark.parametrize("name", NAMES)
def test_every_line_of_a_captured_description_is_explained(name):
    for line in capture(name).lines:
        explanation = explain(line)
        assert line.kind in known_kinds(), line.text
        assert explanation.refs, line.text
        assert "not in the list" not in explanation.says, line.text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a=setup:actpass", "The other side chooses who starts"),
        ("m=audio 9 UDP/TLS/RTP/SAVPF 111", "Port 9 is a placeholder"),
        ("m=video 0 UDP/TLS/RTP/SAVPF 96", "the section is refused"),
        ("a=rtcp-fb:96 nack pli", "Reports that a picture was lost"),
        ("a=rtcp-fb:96 nack unheard-of", "Requests lost packets again"),
        ("a=rtcp-fb:* trr-int 100", "The least interval between two regular RTCP reports"),
        ("m=audio 9 TCP/DTLS/RTP/SAVPF 111", "Encrypted RTP with feedback over TCP"),
        ("m=audio 9 RTP/AVP 0", "in an offer with a fingerprint"),
        ("a=fmtp:111 minptime=10;useinbandfec=1", "minptime: No packet shorter"),
        ("a=candidate:1 1 tcp 1 192.0.2.1 9 typ relay", "A port on a TURN server"),
        ("a=extmap:1/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level", "How loud each speaker of a mix is"),
        ("a=ssrc:1 cname:x", "ties audio and video of one sender to one clock"),
        ("a=group:BUNDLE 0", "These sections share one transport"),
        ("a=x-unheard-of:1", "Endpoints ignore what they do not know"),
        ("hello", "does not have the form of SDP"),
        ("", "does not have the form of SDP"),
    ],
)
def test_an_explanation_covers_the_value_too(line, words):
    assert words in explain(Line(1, line, "\r\n")).says


@pytest.mark.parametrize("name", NAMES)
def test_the_view_shows_every_line_and_no_secret(name):
    description = capture(name)
    page = Checker(description._repr_html_())
    private = {part.text for line in description.lines for part in parts_of(line) if part.kind}
    assert private
    assert not [text for text in private if text in page.text]
    for line in description.lines:
        first, *_ = (part.text for part in parts_of(line) if not part.kind)
        assert f"{line.number}{first}" in page.text, line.text
    assert page.tags >= {"details", "table", "code", "a"}
    shown = Checker(description.show()._repr_html_()).text
    assert not [text for text in private if text not in shown]
    assert "clear this output before you share it" in shown


def test_the_view_folds_the_sections_and_opens_them_on_request():
    description = capture("chromium-offer-audio-data")
    assert "<details open" not in description._repr_html_()
    assert description._repr_html_().count("<summary><b>") == 3
    assert "<details open" in description.show()._repr_html_()
    assert "192.0.2" not in description.show(secrets=False)._repr_html_()


def test_the_fields_of_a_candidate_are_explained_once():
    page = Checker(capture("chromium-offer-audio-data")._repr_html_()).text
    assert page.count("The fields of a candidate") == 1
    for words in ("2^24 x type preference", "Counts ICE restarts.", "The address behind it"):
        assert page.count(words) == 1, words
    assert "The fields of a candidate" not in SessionDescription("v=0\r\n")._repr_html_()


def test_the_view_points_out_the_line_with_a_fault():
    page = changed("a=setup:actpass", "a=setup:server")._repr_html_()
    assert "1 fault" in page
    row = next(row for row in page.split('<div class="l">') if "a=setup:server" in row)
    assert "setup must be one of" in row


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'&lt;", "\ud800"])
def test_all_text_is_escaped(evil):
    text = MINIMAL.replace("opus", evil).replace("a=mid:0", f"a=mid:{evil}").replace("typ host", f"typ {evil}")
    text = text.replace("s=-", f"s={evil}").replace("useinbandfec=1", f"{evil}={evil}").replace("actpass", evil)
    description = SessionDescription(text, type="offer")
    for html in (
        description._repr_html_(),
        description.show()._repr_html_(),
        description.diff(SessionDescription(MINIMAL.replace("actpass", "active"), type="answer"))._repr_html_(),
        SessionDescription(MINIMAL).diff(description)._repr_html_(),
    ):
        page = Checker(html)
        assert not {"script", "img"} & page.tags
        html.encode()


@pytest.mark.parametrize(
    "piece", ["9", " ", ".local", "a.", ":", "IP6 ", "raddr ", "ab:", "1 ", "a=b;", "\\w", "candidate:1 "]
)
def test_a_long_line_takes_no_time_that_grows_with_its_square(piece):
    """With a pattern that reads a word once per letter this would take minutes."""
    started = time.monotonic()
    for start in ("a=", "a=candidate:", "m=audio 9 RTP/AVP 111\r\na=fmtp:111 ", "m=audio 9 RTP/AVP "):
        description = SessionDescription(start + piece * (60_000 // len(piece)))
        description.check()
        description._repr_html_()
    assert time.monotonic() - started < HANGS


def test_any_text_has_a_view():
    for text in random_texts(60):
        assert not {"script", "img"} & Checker(SessionDescription(text)._repr_html_()).tags


def test_a_view_stays_small():
    """Stored notebooks have it; the offer of a voice call is 56 lines."""
    assert len(capture("chromium-offer-audio-data")._repr_html_()) < 50_000
    assert len(SessionDescription("a=x\r\n" * 50_000)._repr_html_()) < 500_000
    assert len(SessionDescription("a=" + "x" * 1_000_000)._repr_html_()) < 20_000


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("c=IN IP4 192.0.2.1", "c=IN IP4 •••"),
        ("c=IN IP6 2001:db8::1", "c=IN IP6 •••"),
        ("c=IN IP4 0.0.0.0", "c=IN IP4 0.0.0.0"),
        ("o=- 1 1 IN IP4 127.0.0.1", "o=- 1 1 IN IP4 127.0.0.1"),
        ("o=anna 1 1 IN IP4 198.51.100.4", "o=anna 1 1 IN IP4 •••"),
        ("a=rtcp:9 IN IP4 198.51.100.4", "a=rtcp:9 IN IP4 •••"),
        ("a=candidate:1 1 udp 2 192.0.2.1 5 typ host", "a=candidate:1 1 udp 2 ••• 5 typ host"),
        ("a=candidate:1 1 udp 2 my-laptop 5 typ host ufrag ab", "a=candidate:1 1 udp 2 ••• 5 typ host ufrag •••"),
        (
            "a=candidate:1 1 udp 2 1.2.3.4 5 typ srflx raddr 10.0.0.1 rport 6",
            "a=candidate:1 1 udp 2 ••• 5 typ srflx raddr ••• rport 6",
        ),
        ("a=candidate:x 98ae-11.local", "a=candidate:x •••"),
        ("a=ice-ufrag:abcd", "a=ice-ufrag:•••"),
        ("A=ICE-PWD: secret", "A=ICE-PWD: •••"),
        ("ice-pwd secret", "ice-pwd •••"),
        ("a=fingerprint:sha-256 AA:BB", "a=fingerprint:sha-256 •••"),
        ("a=crypto:1 AES_CM_128 inline:abc", "a=crypto:•••"),
        ("k=clear:secret", "k=•••"),
        ("e=anna@example.org", "e=•••"),
        ("a=x-seen:from 198.51.100.4, ::ffff:198.51.100.4 and fe80::1", "a=x-seen:from •••, ••• and •••"),
        ("a=x-version:1.2.3 12:34:56", "a=x-version:1.2.3 12:34:56"),
        ("a=rtpmap:111 opus/48000/2", "a=rtpmap:111 opus/48000/2"),
    ],
)
def test_what_is_private_is_hidden_wherever_it_stands(line, shown):
    assert hidden(Line(1, line, "")) == shown


HASH = ":".join(f"{number:02X}" for number in range(32))


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("Failed to parse SessionDescription. a=ice-ufrag:ab Invalid.", "… a=ice-ufrag:••• Invalid."),
        ("Failed to parse SessionDescription. a=ice-pwd s3cret Expects ':'", "… a=ice-pwd ••• Expects ':'"),
        ("Invalid line: 'a=ice-pwd:s3cret'", "Invalid line: 'a=ice-pwd:•••'"),
        (f"a=fingerprint:sha-256 {HASH} is wrong", "a=fingerprint:sha-256 ••• is wrong"),
        (f"The peer has {HASH.lower()}.", "The peer has •••"),
        ("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNf+/a|2^20 x", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:••• x"),
        (
            "candidate:1 1 udp 5 192.0.2.1 9 typ host ufrag aB+/ x",
            "candidate:1 1 udp 5 192.0.2.1 9 typ host ufrag ••• x",
        ),
        # Our own words about faults stay as they are.
        ("ice-pwd must have 22 to 256 characters, got 5", None),
        ("the section must have an a=ice-pwd line, or the session must", None),
        ("a fingerprint of sha-256 must have 32 bytes, got 3", None),
        ("The ufrag differs: 12:30:45", None),
    ],
)
def test_a_text_that_quotes_lines_shows_no_credentials(words, shown):
    expected = words if shown is None else shown.replace("…", "Failed to parse SessionDescription.")
    assert without_credentials(words) == expected


def test_the_parts_of_a_line_are_the_line():
    for text in random_texts(60):
        for line in SessionDescription(text).lines:
            assert "".join(part.text for part in parts_of(line)) == line.text


def test_the_table_has_a_row_per_line_and_no_secret():
    description = SessionDescription(MINIMAL, type="offer")
    table = description.to_pandas()
    assert list(table.columns) == ["number", "section", "mid", "kind", "text", "explanation", "reference"]
    assert len(table) == len(description.lines)
    assert table["kind"].tolist()[:2] == ["v=", "o="]
    assert table["section"].tolist()[5] == 0
    assert table["mid"].tolist()[-1] == "1"
    assert not re.search(r"192\.0\.2|secretsecret|AB:AB", table.to_string())
    assert "192.0.2.77" in description.to_pandas(secrets=True)["text"].str.cat()
    assert SessionDescription("").to_pandas().empty
    assert len(SessionDescription("\ud800\r\n").to_pandas()) == 1
