from __future__ import annotations

import pytest

from rtc_widget._aiortc.stats import CallStatistics
from rtc_widget.server.tutor.call_report import is_about_the_call, report
from rtc_widget.server.tutor.glossary import plain

KNOWN = CallStatistics(
    "WebRTC",
    codec="opus",
    clock_rate=48_000,
    local_candidate="host",
    remote_candidate="prflx",
    protocol="udp",
    round_trip_ms=3.21,
    packets_received=1490,
    packets_lost=10,
    jitter_ms=12.4,
    seconds=83,
)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Which codec are we using?", "This call uses Opus, with a clock of 48 kilohertz."),
        ("What codec does this call use?", "This call uses Opus, with a clock of 48 kilohertz."),
        (
            "What candidate type is in use?",
            "On my side it is a host candidate, on your side a peer reflexive candidate, over UDP.",
        ),
        ("What is our round-trip time?", "The round-trip time is 3.2 milliseconds."),
        ("How high is the latency right now?", "The round-trip time is 3.2 milliseconds."),
        ("How many packets got lost?", "Of 1500 packets of your voice, 10 got lost."),
        ("How much jitter do we have?", "The jitter of your voice is 12 milliseconds."),
        ("How long does this call last?", "This call has lasted 1 minute and 23 seconds."),
    ],
)
def test_questions_about_the_call_are_answered_from_its_numbers(said: str, answer: str) -> None:
    assert is_about_the_call(plain(said))
    assert report(plain(said), KNOWN) == answer


@pytest.mark.parametrize(
    "said",
    [
        "What is a codec?",
        "What is packet loss?",
        "What does a jitter buffer do?",
        "Explain ICE candidates.",
        "Hello",
        "What is round-trip time?",
    ],
)
def test_questions_about_words_are_not(said: str) -> None:
    assert not is_about_the_call(plain(said))


def test_everything_can_be_asked_for() -> None:
    said = report(plain("How is this connection?"), KNOWN)

    assert is_about_the_call(plain("How is this connection?"))
    assert all(part in said for part in ("Opus", "host", "3.2", "1500", "12 milliseconds", "1 minute"))


def test_what_is_not_known_is_not_made_up() -> None:
    said = report("how is this connection", CallStatistics("WebRTC"))

    assert "do not know the codec" in said
    assert "ask me again in a few seconds" in said
    assert "no packets" in report("packets lost", CallStatistics("WebSocket"))
