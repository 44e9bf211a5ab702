"""What a notebook shows of values: HTML in the theme's colors, without keys and addresses, and good plain text."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from rtc_widget.audio.clip import AudioClip
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.subscriptions import CallbackFailure, FailureLog
from rtc_widget.conversation.turn import Turn
from rtc_widget.tools.call_log import ToolCall
from rtc_widget.webrtc.devices import Devices, devices_from_wire
from rtc_widget.webrtc.diagnosis import Diagnosis, diagnosis_from_wire
from rtc_widget.webrtc.stats import CandidatePair, StatsLog, StatsSample

KEY = "sk-abcdefgh12345678"
PAIR = CandidatePair("host", "192.168.1.5", 50000, "srflx", "203.0.113.9", 3478, "udp")
TIME = datetime(2026, 1, 1, tzinfo=UTC)


def failing(event: Event) -> None:
    raise ValueError(f"<b>{KEY}</b>")


def failures() -> FailureLog:
    event = Event({"type": "x"})
    try:
        failing(event)
    except ValueError as error:
        return FailureLog([CallbackFailure(failing, event, error)])
    raise AssertionError


def samples() -> StatsLog:
    return StatsLog(
        StatsSample(TIME, float(n), round_trip_time=n / 1000, loss=0.01, codec="opus 48000/2", candidate_pair=PAIR)
        for n in range(1, 400)
    )


def devices() -> Devices:
    one = {"kind": "microphone", "name": "Desk <1>", "id": "d1", "chosen": False, "in_use": True}
    return devices_from_wire({"devices": [one, one | {"kind": "speaker", "name": "", "in_use": False, "chosen": True}]})


def diagnosis() -> Diagnosis:
    pair = {"local": "host 192.168.1.5:50000", "remote": "srflx 203.0.113.9:3478", "protocol": "udp", "state": "failed"}
    steps = [
        {"name": "Offer sent", "outcome": "ok", "detail": ""},
        {"name": "ICE connected", "outcome": "failed", "detail": "checking"},
        {"name": "DTLS secured it", "outcome": "not reached", "detail": "new"},
    ]
    return diagnosis_from_wire({"steps": steps, "pairs": [pair], "cause": "No pair worked.", "hint": "Try <TURN>."})


def tool_call() -> ToolCall:
    arguments = {"city": "<Bern>", "days": [1, 2], "key": KEY}
    return ToolCall("get_weather", arguments, "c1", "failed", output='{"error": "no"}', error=ValueError(KEY))


def turn() -> Turn:
    return Turn("assistant", "Hello <b>there</b> you", "i1", "interrupted", start=1.0, end=2.5, played=0.3)


VIEWS: dict[str, Any] = {
    "errors": failures,
    "stats": samples,
    "sample": lambda: samples()[-1],
    "devices": devices,
    "diagnosis": diagnosis,
    "tool call": tool_call,
    "turn": turn,
    "no errors": FailureLog,
    "no stats": StatsLog,
    "no devices": Devices,
}


class Tags(HTMLParser):
    """Requires that each tag is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "svg":
            self.images.append(dict(attrs))
        if tag not in ("br", "polyline"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "polyline":
            assert self.open.pop() == tag


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_html_in_the_themes_colors_without_keys_and_addresses(name):
    value = VIEWS[name]()
    html = value._repr_html_()
    images = Tags(html).images
    assert all(image["role"] == "img" and image["aria-label"] for image in images)
    for shown in (html, repr(value)):
        assert not re.search(rf"{KEY}|\d+\.\d+\.\d+\.\d+", shown)
    # Outside of the shared style no color of its own: the theme gives it.
    assert not re.search(r"#[0-9a-f]{3,6}\b|rgb\(", html.partition("</style>")[2])
    for escaped in ("<b>there", "<TURN>", "<Bern>", "Desk <1>", f"<b>{KEY}"):
        assert escaped not in html


def test_errors_say_what_failed_why_and_where():
    html = failures()._repr_html_()
    assert "callback" in html
    assert "failing failed on x: ValueError: &lt;b&gt;[removed]" in html
    line = failing.__code__.co_firstlineno + 1
    assert f"test_views.py, line {line}" in html
    assert repr(failures()) == f"failing failed on x: ValueError: <b>[removed]</b> (test_views.py, line {line})"


def test_many_errors_are_cut():
    html = FailureLog(list(failures()) * 50)._repr_html_()
    assert "10 earlier errors are not shown." in html
    assert html.count("failing failed") == 40


def test_statistics_have_last_median_and_maximum_and_a_line_in_words():
    html = samples()._repr_html_()
    assert "round trip: last 399 ms, median 200 ms, maximum 399 ms" in html
    assert "399 samples over 398 s · opus 48000/2 · host → srflx (udp)" in html
    assert html.count("<polyline") == 2
    assert len(html) < 10_000


def test_devices_are_a_list_still():
    shown = devices()
    assert shown == list(shown)
    assert repr(shown) == "microphone: Desk <1> (in use)\nspeaker: no name (chosen)"
    assert "Desk &lt;1&gt;" in shown._repr_html_()


def test_a_diagnosis_hides_addresses_unless_it_is_printed():
    report = diagnosis()
    assert "✕" in report._repr_html_()
    assert "host → srflx (udp)" in report._repr_html_()
    assert '<span class="f">DTLS secured it</span>' in report._repr_html_()
    assert "192.168.1.5:50000" in str(report)
    assert repr(report.pairs[0]) == "<TriedPair: host → srflx (udp): failed>"


def test_a_turn_shows_what_was_heard_and_its_audio():
    html = turn()._repr_html_()
    assert '<s class="f" title="not heard">' in html
    assert "interrupted · 1.0 to 2.5 s · 30% was played" in html
    assert "<audio" not in html
    heard = Turn("assistant", "Yes", "i1", "completed", audio=AudioClip(np.zeros(2400, np.int16), 24000))
    assert "<audio" in heard._repr_html_()


def test_a_tool_call_shows_its_arguments_and_its_error():
    html = tool_call()._repr_html_()
    assert "<pre>&lt;Bern&gt;</pre>" in html
    assert "ValueError: [removed]" in html
