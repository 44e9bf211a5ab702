"""When audio is audible, by `sound_detector.json`; the page's tests assert the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtc_widget.headless.sound_detector import SoundDetector

CASES = json.loads((Path(__file__).parent / "sound_detector.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_audio_is_audible_above_a_level_and_silent_after_half_a_second(case: dict[str, Any]) -> None:
    detector, at, found = SoundDetector(), 0, []
    for level, duration in case["blocks"]:
        for start in range(at, at + duration, 20):
            change = detector.take(level, start, 20)
            found += [] if change is None else [[change.is_audible, change.at_ms]]
        at += duration
    assert found == case["changes"]
