"""Patterns for the types of events, by `event_patterns.json`, as in the page's contract test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rtc_widget.conversation.event_log import EventLog
from rtc_widget.conversation.events import Event

CASES = json.loads((Path(__file__).parent / "event_patterns.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize(("pattern", "type", "matches"), CASES)
def test_a_pattern_selects_types(pattern: str, type: str, matches: bool) -> None:
    assert len(EventLog([Event({"type": type})]).of(pattern)) == int(matches)
