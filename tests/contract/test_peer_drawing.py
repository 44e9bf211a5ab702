"""Python's drawing of a peer connection against the contract that the page's view asserts as well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rtc_widget.peers.drawing import LANES, lane_of
from rtc_widget.peers.state_diagram import diagram_label, signaling_diagram

CONTRACT = json.loads((Path(__file__).parent / "peer_drawing.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CONTRACT["labels"], ids=lambda case: case["label"])
def test_the_label_of_the_states_is_that_of_the_contract(case):
    assert diagram_label(case["state"], case.get("from")) == case["label"]
    assert f'aria-label="{case["label"]}"' in signaling_diagram(case["state"], case.get("from"))


@pytest.mark.parametrize("case", CONTRACT["lanes"], ids=lambda case: f"{case['source']} {case['event']}")
def test_an_event_has_the_lane_of_the_contract(case):
    assert lane_of(case["source"], case["event"]) == case["lane"]


def test_every_lane_has_an_event_in_the_contract():
    assert {case["lane"] for case in CONTRACT["lanes"]} == set(LANES) - {"Operations"}
