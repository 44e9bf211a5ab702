"""The drawing of a peer connection shows its states, candidates and pairs, and no address."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import Any, get_args

import pytest

from rtc_widget.comm.messages import SignalingState
from rtc_widget.peers.peer_view import pairs_table, peer_html, previous_state
from rtc_widget.peers.state_diagram import signaling_diagram
from tests.limits import eventually
from tests.unit.exported_notebook import exported_html
from tests.unit.peers.test_timeline import ALICE, CANDIDATE, Happened

VIEW = "application/vnd.jupyter.widget-view+json"

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
        ("stable", "have-local-offer", ["stable to have-local-offer: set_local_description(offer)"]),
        ("have-local-offer", "stable", ["have-local-offer to stable: set_remote_description(answer), or a rollback"]),
        ("have-local-offer", "closed", ["stable to closed: close()"]),
        (None, "stable", []),
    ],
)
def test_the_last_edge_is_lit(previous, state, edges):
    drawing = diagram(state, previous)
    lit = [path.findtext("title") for path in drawing.iter("path") if path.get("class") == "last"]
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
    assert "Signaling state: stable" in shown["text/html"]


async def test_a_stored_notebook_has_the_drawing_beside_the_live_view(pc, page, monkeypatch):
    page.event("signalingstatechange", pc={"signaling_state": "have-local-offer"})
    page.event("icecandidate", {"candidate": {"candidate": CANDIDATE, "sdpMid": "0"}})
    await eventually(lambda: pc.candidates)
    monkeypatch.setattr(pc, "_page", None)  # as in a browser
    data, metadata = pc._repr_mimebundle_()
    assert VIEW in data
    output = {"output_type": "execute_result", "data": data, "metadata": metadata, "execution_count": 1}
    exported = exported_html("pc", [output])
    assert 'aria-label="Signaling state: have-local-offer, from stable by set_local_description(offer)"' in exported
    assert "192.0.2" not in exported


def test_what_is_stored_stays_small_in_a_flood_of_messages():
    flood = [Happened(1000 + ms, "message", {"text": "x"}, source="channel:1") for ms in range(5000)]
    html = peer_html(Drawn(events=[*ALICE.events, *flood]))
    assert len(html) < 60_000
    assert "create_offer" in html
    assert "more entries are not shown" in html
