"""Whether a server detects turns, by `realtime_turn_detection.json`; the page's tests assert the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtc_widget.protocols.realtime.session import detects_turns

CASES = json.loads((Path(__file__).parent / "realtime_turn_detection.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_turn_detection_is_off_only_where_the_server_says_so(case: dict[str, Any]) -> None:
    assert detects_turns(case["session"]) is case["detects_turns"]
