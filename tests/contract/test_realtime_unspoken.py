"""Responses that the voice did not speak, by `realtime_unspoken.json`, as in the page's contract test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtc_widget import Transcript
from rtc_widget.comm.settings import CallSettings

CASES = json.loads((Path(__file__).parent / "realtime_unspoken.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_turn_says_whether_it_was_spoken_and_what_was_heard(case: dict[str, Any]) -> None:
    turns = Transcript(case["events"])
    assert [[turn.text, turn.heard, turn.unspoken] for turn in turns] == case["turns"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_unspoken_text_is_repeated_to_the_next_call(case: dict[str, Any]) -> None:
    pytest.importorskip("aiortc")
    from rtc_widget.headless.session import PageSession

    session = PageSession("p1", lambda message: None, CallSettings().to_wire())
    for event in case["events"]:
        session.event_passed("a1", "received", json.dumps(event))
    await session.close()
    carried = [json.loads(text) for group in session._resumption.events() for text in group]
    repeated = [event["item"]["content"][0]["text"] for event in carried]
    assert repeated == [text if unspoken else heard for text, heard, unspoken in case["turns"] if unspoken or heard]
