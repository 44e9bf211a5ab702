"""What is repeated to a call that resumes another, by `realtime_heard.json`, as in the page's contract test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtc_widget.comm.settings import CallSettings
from rtc_widget.conversation.events import Event
from rtc_widget.headless.resumption import Resumption
from rtc_widget.protocols.realtime.protocol import PROTOCOL

CONTRACT = json.loads((Path(__file__).parent / "realtime_heard.json").read_text(encoding="utf-8"))
CASES, TIMED_CASES = CONTRACT["cases"], CONTRACT["timed_cases"]


def described(group: list[str]) -> list[str]:
    """Return a group of repeated events as the contract writes it."""
    items = [json.loads(text)["item"] for text in group]
    assert all(item["id"].startswith("carried_") and len(item["id"]) <= 32 for item in items)
    if len(items) == 1:
        return [items[0]["role"], items[0]["content"][0]["text"]]
    call, output = items
    assert (call["type"], output["type"]) == ("function_call", "function_call_output")
    assert call["call_id"] == output["call_id"]
    assert call["call_id"].startswith("carried_")
    return ["call", call["name"], call["arguments"], output["output"]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_a_page_without_a_browser_repeats_what_was_heard(case: dict[str, Any]) -> None:
    pytest.importorskip("aiortc")
    from rtc_widget.headless.session import PageSession

    session = PageSession("p1", lambda message: None, CallSettings().to_wire())
    for event in case["events"]:
        session.event_passed("a1", "received", json.dumps(event))
    await session.close()
    repeated = [json.loads(text)["item"]["content"][0]["text"] for [text] in session._resumption.events()]
    assert repeated == case["heard"]


@pytest.mark.parametrize("case", TIMED_CASES, ids=lambda case: case["name"])
def test_a_page_without_a_browser_repeats_what_was_heard_until_then_and_the_functions(case: dict[str, Any]) -> None:
    resumption = Resumption(PROTOCOL)
    resumption.begin_call(resumes=False)
    for seconds, direction, event in case["events"]:
        text = json.dumps(event)
        resumption.consume(Event.from_text(text, direction=direction, time_ms=0.0, elapsed=float(seconds)), text)
    if case["ended_at"] is not None:
        resumption.end_call(case["ended_at"])
    assert [described(group) for group in resumption.events()] == case["carried"]
    if "statuses" in case:
        turns = resumption.transcript
        assert [turn.status for turn in turns if turn.role == "assistant"] == case["statuses"]
    resumption.begin_call(resumes=True)
    assert [described(group) for group in resumption.events()] == case["carried"], "and to the call after that"
