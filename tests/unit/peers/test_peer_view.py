"""The drawing of a peer connection shows its states, candidates and pairs, and no address."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import Any, get_args

import pytest

from rtc_widget.comm.messages import SignalingState
from rtc_widget.peers.peer_view import pairs_table, peer_html, previous_state
from rtc_widget.peers.state_diagram import signaling_diagram
from tests.unit.peers.test_timeline import ALICE, CANDIDATE, Happened

PAIRS = [
    {
        "id": "P1",
        "local": {"type": "host", "address": "192.0.2.77", "port": 50000, "protocol": "udp"},
        "remote": {"type": "prflx", "address": "192.0.2.78", "port": 50001, "protocol": "udp"},
        "priority": 1,
        "state": "given up",
        "sent": 3,
        "answered": 0,
        "rtt": None,
        "selected": False,
    },
    {"id": "P2", "local": {"type": "<relay>"}, "priority": 2, "state": "succeeded", "rtt": 0.002, "selected": True},
    {"id": "P3"},
]


@dataclass
class Drawn:
    signaling_state: str = "have-local-offer"
    ice_connection_state: str = "checking"
    events: list[Happened] = field(default_factory=lambda: ALICE.events)
    candidates: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"candidate": CANDIDATE, "sdpMid": "0"},
            {"candidate": CANDIDATE.replace("192.0.2.77", "a-b.local"), "sdpMLineIndex": 1},
            {"candidate": ""},
        ]
    )
    pairs: list[dict[str, Any]] = field(default_factory=lambda: PAIRS)


def diagram(state: str, previous: str | None = None) -> ET.Element:
    html = signaling_diagram(state, previous)
    return ET.fromstring(html[html.index("<svg") : html.index("</svg>") + 6])


@pytest.mark.parametrize("state", get_args(SignalingState))
def test_the_current_state_is_lit(state):
    lit = [node for node in diagram(state).iter("g") if node.get("class") == "now"]
    assert [node.findtext("text") for node in lit] == [state]


@pytest.mark.parametrize(
    ("previous", "state", "edges"),
    [
        ("stable", "have-local-offer", ["setLocal(offer): stable to have-local-offer"]),
        ("have-local-offer", "stable", ["setRemote(answer): have-local-offer to stable"]),
        ("have-local-offer", "closed", []),
        (None, "stable", []),
    ],
)
def test_the_last_edge_is_lit(previous, state, edges):
    drawing = diagram(state, previous)
    lit = [
        edge.findtext("title")
        for edge in drawing.iter("g")
        for path in edge.iter("path")
        if path.get("class") == "last"
    ]
    assert lit == edges
    assert state in (drawing.get("aria-label") or "")


def test_a_state_that_is_unknown_is_named():
    with pytest.raises(ValueError, match=r"state must be one of 'stable', .*got 'open'"):
        signaling_diagram("open")


def test_the_state_before_is_read_from_the_events():
    assert previous_state(ALICE.events) == "stable"
    assert previous_state([]) is None
    back = [*ALICE.events, Happened(500, "signalingstatechange", changes={"pc": {"signaling_state": "stable"}})]
    assert previous_state(back) == "have-local-offer"


def test_a_connection_is_drawn_without_addresses():
    html = peer_html(Drawn())
    for words in ("have-local-offer", "checking", "3 candidates", "3 candidate pairs", "an mDNS name", "given up"):
        assert words in html
    assert "1 candidate pair<" in peer_html(Drawn(pairs=PAIRS[:1]))
    assert "192.0.2" not in html
    assert "a-b.local" not in html
    assert "<relay>" not in html


def test_pairs_are_in_the_order_of_their_priority():
    html = pairs_table(PAIRS)
    assert html.index("2 ms") < html.index("given up")
    assert html.count("✓") == 1


async def test_a_connection_of_a_page_in_this_process_is_drawn_in_a_notebook(pc):
    shown = pc._repr_mimebundle_()
    assert shown["text/plain"] == repr(pc)
    assert "The signaling state is stable." in shown["text/html"]
