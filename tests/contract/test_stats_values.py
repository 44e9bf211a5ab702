"""What a sample of the statistics says, by `stats_values.json`; the page's tests assert the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtc_widget.webrtc.stats import StatsLog

CASES = json.loads((Path(__file__).parent / "stats_values.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_samples_have_the_values_that_the_page_shows(case: dict[str, Any]) -> None:
    log = StatsLog()
    for sample, expected in zip(case["samples"], case["expected"], strict=True):
        added = log.add(sample["attempt"], sample["time_ms"], 0.0, sample["reports"])
        assert {name: getattr(added, name) for name in expected} == pytest.approx(expected)
