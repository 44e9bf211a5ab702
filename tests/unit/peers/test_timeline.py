"""A time line shows operations, states and events of several peers on one axis, and says the same as a table."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rtc_widget.peers.drawing import LANES
from rtc_widget.peers.timeline import Timeline

ZERO = datetime(2026, 11, 29, 12, tzinfo=UTC)


@dataclass
class Happened:
    ms: float
    type: str
    payload: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    source: str = "pc"

    @property
    def time(self) -> datetime:
        return ZERO + timedelta(milliseconds=self.ms)


@dataclass
class Peer:
    events: list[Happened]


def call(ms: float, number: int, op: str, phase: str, **error: str) -> Happened:
    payload = {"call": number, "op": op, "phase": phase} | ({"error": error} if error else {})
    return Happened(ms, "operation", payload)


CANDIDATE = "candidate:1 1 udp 2122260223 192.0.2.77 50000 typ host generation 0"
ALICE = Peer(
    [
        call(0, 1, "create_offer", "called"),
        call(20, 1, "create_offer", "settled"),
        Happened(30, "signalingstatechange", changes={"pc": {"signaling_state": "have-local-offer"}}),
        Happened(40, "icecandidate", {"candidate": {"candidate": CANDIDATE}}),
        Happened(50, "icecandidate", {"candidate": None}),
        call(55, 2, "set_remote_description", "called"),
        call(60, 2, "set_remote_description", "settled", name="InvalidStateError", message="<no>"),
        Happened(70, "statechange", changes={"dtls:1": {"state": "closed"}}, source="dtls:1"),
        Happened(80, "statechange", changes={"dtls:2": {"state": "connecting"}}, source="dtls:2"),
        Happened(90, "statechange", changes={"dtls:2": {"state": "connected"}}, source="dtls:2"),
        Happened(95, "open", source="channel:1"),
        call(100, 3, "get_stats", "called"),
        Happened(200, "connectionstatechange", changes={"pc": {"connection_state": "failed"}}),
    ]
)
BOB = Peer([Happened(10, "negotiationneeded"), Happened(400, "message", {"text": "hi"}, source="channel:1")])


def test_an_operation_is_a_bar_from_its_call_to_its_end():
    calls = [entry for entry in Timeline(ALICE, BOB).entries if entry.lane == "Operations"]
    assert [(entry.label, entry.start, entry.end, entry.is_bad, entry.is_open) for entry in calls] == [
        ("create_offer", 0, 20, False, False),
        ("set_remote_description: InvalidStateError", 55, 60, True, False),
        ("get_stats", 100, 400, False, True),
    ]


def test_a_state_lasts_until_the_next_one():
    entries = Timeline(alice=ALICE, bob=BOB).entries
    signaling = [entry for entry in entries if (entry.peer, entry.lane) == ("alice", "Signaling")]
    assert [(entry.label, entry.start, entry.end) for entry in signaling if entry.kind == "state"] == [
        ("stable", 0, 30),
        ("have-local-offer", 30, 400),
    ]
    [failed] = [entry for entry in entries if entry.label == "failed"]
    assert (failed.lane, failed.is_bad, failed.is_open) == ("Connection", True, True)


def test_the_transport_that_is_bundled_away_is_left_out():
    dtls = [entry.label for entry in Timeline(ALICE).entries if entry.lane == "DTLS"]
    assert dtls == ["new", "connecting", "connected"]


def test_events_are_dots_without_addresses():
    timeline = Timeline(ALICE, BOB)
    labels = [entry.label for entry in timeline.entries if entry.kind == "event"]
    assert labels == [
        "negotiationneeded",
        "candidate: host udp",
        "end of candidates",
        "channel:1 open",
        "channel:1 message",
    ]
    assert "192.0.2.77" not in repr(timeline) + timeline._repr_html_()


def test_a_part_of_the_time_can_be_shown():
    timeline = Timeline(ALICE, BOB, start=0.035, end=0.1)
    assert timeline.bounds == (35, 100)
    labels = {entry.label for entry in timeline.entries}
    assert "create_offer" not in labels  # over before
    assert "failed" not in labels  # begins later
    assert {"candidate: host udp", "have-local-offer"} <= labels


def test_the_drawing_is_well_formed_and_has_a_twin_for_screen_readers():
    html = Timeline(ALICE, **{"<b>": BOB})._repr_html_()
    drawing = ET.fromstring(html[html.index("<svg") : html.index("</svg>") + 6])
    assert drawing.get("role") == "img"
    assert "15 operations" not in (drawing.get("aria-label") or "")
    assert "The table has the same" in (drawing.get("aria-label") or "")
    titles = [title.text for title in drawing.iter("title")]
    assert "peer 1, Operations: create_offer, from 0 ms, 20 ms" in titles
    assert len(titles) == len(Timeline(ALICE, BOB).entries)
    assert "<b>" not in html
    for lane in LANES:
        assert f">{lane}</text>" in html
    table = html[html.index("<table") :]
    assert "set_remote_description: InvalidStateError" in table
    right = [float(box.get("x", 0)) + float(box.get("width", 0)) for box in drawing.iter("rect")]
    assert max(right) <= 900


def test_peers_without_events_can_be_drawn():
    timeline = Timeline(Peer([]))
    assert timeline.entries == ()
    ET.fromstring(timeline._repr_html_().partition("<svg")[2].partition("</svg>")[0].join(["<svg", "</svg>"]))


@pytest.mark.parametrize(
    ("peers", "named", "error", "words"),
    [
        ((), {}, ValueError, "at least one"),
        ((ALICE, 3), {}, TypeError, "peer 2 must be a PeerConnection, got int"),
        ((ALICE,), {"start": 2, "end": 1}, ValueError, "end must be after start=2, got 1"),
    ],
)
def test_a_wrong_argument_is_named(peers, named, error, words):
    with pytest.raises(error, match=words):
        Timeline(*peers, **named)
