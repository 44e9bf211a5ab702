"""When a standing session clock is told, by `live_clock_watch.json`, as in `clock_watch.test.ts` of the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtc_widget.conversation.events import Event
from rtc_widget.protocols.live.clock_watch import ClockWatch
from tests.contract.test_session_expiry import Clock

CONTRACT = json.loads((Path(__file__).parent / "live_clock_watch.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CONTRACT["cases"], ids=lambda case: case["name"])
def test_a_clock_that_stands_is_told(case: dict[str, Any]) -> None:
    clock = Clock()
    began = clock.now
    told: list[float] = []
    watch = ClockWatch(lambda: told.append(clock.now - began), clock.later)
    for at, direction, raw in case["events"]:
        clock.advance(began + at)
        watch.consume(Event(raw, direction=direction, protocol="live"))
    clock.advance(began + case.get("ended", 60))
    watch.end()
    clock.advance(began + 600)
    assert told == ([] if case["told"] is None else [case["told"]])
