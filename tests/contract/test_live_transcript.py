"""Transcripts of GPT-Live by `live_transcript.json`, as in `js/test/protocols/live/contract.test.ts`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtc_widget.conversation.turn import FunctionResult
from rtc_widget.protocols.live.transcript_reducer import LiveTurns

CONTRACT = json.loads((Path(__file__).parent / "live_transcript.json").read_text(encoding="utf-8"))
CASES, TIMED_CASES = CONTRACT["cases"], CONTRACT["timed_cases"]


def test_there_are_enough_cases_and_each_has_a_name_of_its_own() -> None:
    names = [case["name"] for case in [*CASES, *TIMED_CASES]]
    assert len(set(names)) == len(names) >= 50


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_transcript_is_the_one_of_the_contract(case: dict[str, Any]) -> None:
    turns = LiveTurns(1, resumes=False)
    for event in case["events"]:
        turns.add(event, None)
    if case.get("call_ended"):
        turns.end()
    assert [[turn.role, turn.text, turn.status] for turn in turns.turns] == case["transcript"]
    unspoken = [at for at, turn in enumerate(turns.turns) if turn.unspoken and not turn.heard]
    assert unspoken == case.get("unspoken", [])
    spans = [[turn.start, turn.end] for turn in turns.turns]
    assert spans == [[start / 1000, None if end is None else end / 1000] for start, end in case["spans_ms"]]


@pytest.mark.parametrize("case", [case for case in CASES if "work" in case], ids=lambda case: case["name"])
def test_the_work_that_is_handed_over_is_the_one_of_the_contract(case: dict[str, Any]) -> None:
    turns = LiveTurns(1, resumes=False)
    for event in case["events"]:
        turns.add(event, None)
    if case.get("call_ended"):
        turns.end()
    delegations = turns.delegations
    delegated = [[one.target, one.model, one.result, one.status] for one in delegations.all]
    called = [[one.name, one.arguments, one.output, one.status] for one in delegations.functions]
    assert {"delegations": delegated, "functions": called} == case["work"]
    others = [one.id for one in delegations.all] + [one.name for one in delegations.functions if one.output is None]
    items = [item.name if isinstance(item, FunctionResult) else item.text for item in turns.items]
    assert items == [row for row in case["rows"] if row not in others]


@pytest.mark.parametrize("case", TIMED_CASES, ids=lambda case: case["name"])
def test_turns_end_by_the_time_of_arrival_too(case: dict[str, Any]) -> None:
    turns = LiveTurns(1, resumes=False)
    for seconds, _direction, event in case["events"]:
        turns.add(event, seconds)
    assert [[turn.role, turn.text, turn.status] for turn in turns.turns] == case["transcript"]
