"""The life of a call, by `call_machine.json`; `js/test/call/call_machine.test.ts` asserts the same of the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from rtc_widget import Reconnect
from rtc_widget.errors import ConnectionFailed, RtcWidgetError
from rtc_widget.errors.decode import error_from_wire
from rtc_widget.headless.call_machine import TRANSITIONS, CallEvent, Phase, PhaseName, next_phase

CONTRACT = json.loads((Path(__file__).parent / "call_machine.json").read_text(encoding="utf-8"))
PHASES: dict[str, Any] = CONTRACT["phases"]
ERROR = ConnectionFailed("The line is dead.")


def is_headless(entry: dict[str, Any]) -> bool:
    return "headless" in entry.get("halves", ["page", "headless"])


CASES = [case for case in CONTRACT["cases"] if is_headless(case)]


def name_of(case: dict[str, Any]) -> str:
    before = f"{case['phase']} {case.get('phase_error', '')}({case.get('tries', 0)} of {case['max_attempts']})"
    return f"{before} on {case['event']} {case.get('event_error', '')}".rstrip()


def error_of(code: str | None) -> RtcWidgetError:
    return ERROR if code is None else error_from_wire({"code": code, "message": "It is over.", "hint": ""})


def test_only_the_ice_restart_is_missing_here() -> None:
    assert (
        set(PHASES) - set(get_args(PhaseName))
        == {"restarting"}
        == {name for name, phase in PHASES.items() if not is_headless(phase)}
    )
    for case in CONTRACT["cases"]:
        is_restart = case["can_restart"] or "restarting" in (case["phase"], case["next"]["phase"])
        assert is_headless(case) is not is_restart
    assert set(get_args(CallEvent)) == set(CONTRACT["events"])


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_phase_follows_an_event(case: dict[str, Any]) -> None:
    reconnect = None if case["max_attempts"] is None else Reconnect(max_attempts=case["max_attempts"])
    before = Phase(case["phase"], case.get("tries", 0), error_of(case.get("phase_error")))
    after = next_phase(before, case["event"], error_of(case.get("event_error")), reconnect)
    expected = case["next"]
    assert (after.name, after.tries if "tries" in expected else None) == (expected["phase"], expected.get("tries"))
    if "error" in expected:
        assert after.error.code == expected["error"]


@pytest.mark.parametrize("name", [name for name, phase in PHASES.items() if is_headless(phase)])
def test_no_other_event_changes_a_phase(name: PhaseName) -> None:
    phase = Phase(name, 1, ERROR)
    listed = {case["event"] for case in CASES if case["phase"] == name}
    assert set(TRANSITIONS[name]) == listed
    for event in set(get_args(CallEvent)) - listed:
        assert next_phase(phase, event, ERROR, Reconnect(max_attempts=2)) is phase


@pytest.mark.parametrize("name", [name for name, phase in PHASES.items() if is_headless(phase)])
def test_a_phase_has_a_status_and_perhaps_an_attempt(name: PhaseName) -> None:
    phase = Phase(name)
    assert (phase.status, phase.has_attempt) == (PHASES[name]["status"], PHASES[name]["has_attempt"])
