"""The settings that servers confirm, by `session_settings.json`; the page's tests assert the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtc_widget.protocols.live.session import LiveSettings
from rtc_widget.protocols.live.session_settings import FIXED, NOT_IN_LIVE
from rtc_widget.protocols.realtime.session import Session

CASES = json.loads((Path(__file__).parent / "session_settings.json").read_text(encoding="utf-8"))["cases"]
OFFERED = {"voice", "instructions", "speed", "turn_detection"}
"""What the page offers to change, as far as the protocol has it."""


def plain(value: Any) -> Any:
    return value.raw if hasattr(value, "raw") else value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_settings_are_those_that_the_page_shows(case: dict[str, Any]) -> None:
    session = {"realtime": Session, "live": LiveSettings}[case["protocol"]](case["session"])
    assert {name: plain(getattr(session, name)) for name in case["settings"]} == case["settings"]
    is_live = case["protocol"] == "live"
    assert set(case["settings"]) == OFFERED - (NOT_IN_LIVE.keys() if is_live else set())
    assert set(case["fixed"]) == (OFFERED & FIXED.keys() if is_live else set())
