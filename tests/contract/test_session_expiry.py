"""When an expiring session is replaced, by `session_expiry.json`, as in `js/test/call/session_expiry.test.ts`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rtc_widget.conversation.event_reader import facts_of
from rtc_widget.conversation.events import Event
from rtc_widget.headless.session_expiry import SessionExpiry

CONTRACT = json.loads((Path(__file__).parent / "session_expiry.json").read_text(encoding="utf-8"))
BEGAN: float = CONTRACT["began_at"]


class Clock:
    """A clock with timers, set by hand."""

    def __init__(self) -> None:
        self.now = BEGAN
        self.timers: list[Timer] = []

    def later(self, seconds: float, action: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self.now + seconds, action))
        return self.timers[-1]

    def advance(self, until: float) -> None:
        while due := [timer for timer in self.timers if timer.at <= until and not timer.is_over]:
            first = min(due, key=lambda timer: timer.at)
            self.now, first.is_over = first.at, True
            first.action()
        self.now = until


class Timer:
    def __init__(self, at: float, action: Callable[[], None]) -> None:
        self.at = at
        self.action = action
        self.is_over = False

    def cancel(self) -> None:
        self.is_over = True


def expires_at(expires_in: object) -> object:
    if isinstance(expires_in, int):
        return BEGAN + expires_in
    return 0 if expires_in == "zero" else expires_in


@pytest.mark.parametrize("case", CONTRACT["cases"], ids=lambda case: case["name"])
def test_a_session_is_replaced_shortly_before_its_end(case: dict[str, Any]) -> None:
    clock = Clock()
    due: list[float] = []
    expiry = SessionExpiry(lambda end: due.append(clock.now - BEGAN), clock.later, lambda: clock.now)
    created = {"type": "session.created", "session": {"expires_at": expires_at(case["expires_in"])}}
    for at, raw in [(0, created), *case["events"]]:
        clock.advance(BEGAN + at)
        if due:
            break  # the call is over
        expiry.consume(facts_of(Event.from_text(json.dumps(raw), direction="received", time_ms=0.0, elapsed=0.0)))
    clock.advance(BEGAN + 10_000)
    assert due == ([] if case["due"] is None else [case["due"]])


def test_a_call_that_is_over_is_not_replaced() -> None:
    clock = Clock()
    due: list[float] = []
    expiry = SessionExpiry(due.append, clock.later, lambda: clock.now)
    raw = {"type": "session.created", "session": {"expires_at": BEGAN + 3600}}
    expiry.consume(facts_of(Event.from_text(json.dumps(raw), direction="received", time_ms=0.0, elapsed=0.0)))
    expiry.end_call()
    clock.advance(BEGAN + 10_000)
    assert due == []
