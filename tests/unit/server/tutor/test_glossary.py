from __future__ import annotations

import re

import pytest

from rtc_widget._glossary.terms import all_terms
from rtc_widget.server.tutor.glossary import find


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("What is ICE?", "ICE"),
        ("What is ice?", "ICE"),
        ("Hello, what is ICE?", "ICE"),
        ("Can you please explain how I.C.E. works?", "ICE"),
        ("what is ICE in WebRTC", "ICE"),
        ("What does SDP stand for?", "SDP"),
        ("What is S D P?", "SDP"),
        ("What is done?", "STUN"),
        ("what about STUN?", "STUN"),
        ("What is turn?", "TURN"),
        ("Why do we need a turn server?", "TURN"),
        ("What is nat?", "NAT"),
        ("D. T. L. S.", "DTLS"),
        ("How does dtls work in WebRTC?", "DTLS"),
        ("Tell me about Srtp.", "SRTP"),
        ("What is rtcp?", "RTCP"),
        ("what is a gitter buffer", "jitter buffer"),
        ("What is a litter buffer?", "jitter buffer"),
        ("What is a data chanel?", "data channel"),
        ("What is a date a channel?", "data channel"),
        ("Explain get to user media.", "getUserMedia"),
        ("What is an SF view?", "SFU"),
        ("What is RTC peer connection?", "RTCPeerConnection"),
        ("What is a trans receiver?", "transceiver"),
        ("What is an Mdns candidate?", "mDNS candidate"),
        ("What is an ice candidate?", "candidate"),
        ("What is trickle ice?", "trickle ICE"),
        ("Please explain echo cancelation to me.", "echo cancellation"),
        ("so what is the round trip time", "round-trip time"),
        ("What is Vad?", "voice activity detection"),
        ("what is bundle", "BUNDLE"),
        ("What is whip?", "WHIP"),
    ],
)
def test_a_term_is_found_in_what_a_recogniser_heard(said: str, meant: str) -> None:
    assert [term.name for term in find(said)] == [meant]


@pytest.mark.parametrize(
    "said",
    [
        "Whose turn is it?",
        "Turn on the light.",
        "This is my turn.",
        "I like ice cream.",
        "Done.",
        "I am done.",
        "Is it not raining?",
        "Make me an offer.",
        "What is the capital of France?",
        "I lost track of time.",
        "She whips the cream.",
        "",
        "…",
    ],
)
def test_ordinary_words_are_no_terms(said: str) -> None:
    assert find(said) == ()


def test_a_comparison_finds_both_terms() -> None:
    found = find("What's the difference between stun and turn?")

    assert [term.name for term in found] == ["STUN", "TURN"]


def test_every_term_is_found_by_its_name_and_by_each_alias() -> None:
    for term in all_terms():
        for alias in (term.name, *term.aliases, *term.ordinary):
            found = find(f"What is {alias}?")
            assert term in found, f"{alias!r} finds {[other.name for other in found]}, not {term.name}"


def test_explanations_are_short_and_made_for_speaking() -> None:
    assert len(all_terms()) >= 30
    for term in all_terms():
        assert 1 <= len(re.findall(r"[.!?](?:\s|$)", term.says)) <= 3, term.name
        assert not re.search(r"[*_`#<>\[\]()/0-9]", term.says), term.name
