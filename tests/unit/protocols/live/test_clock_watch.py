"""A session clock that stands still is told once, where something waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rtc_widget.conversation.events import Event
from rtc_widget.protocols.live.clock_watch import STANDS_SECONDS, ClockWatch


class Loop:
    """An event loop whose timers the test fires."""

    def __init__(self) -> None:
        self.timers: list[Timer] = []

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        assert seconds == STANDS_SECONDS
        self.timers.append(Timer(call))
        return self.timers[-1]

    def passes(self) -> None:
        """Let more time pass than any timer takes."""
        for timer in self.timers:
            if not timer.is_cancelled:
                timer.call()
        self.timers.clear()


class Timer:
    def __init__(self, call: Callable[[], None]) -> None:
        self.call, self.is_cancelled = call, False

    def cancel(self) -> None:
        self.is_cancelled = True


def watching() -> tuple[ClockWatch, Loop, list[str]]:
    loop, told = Loop(), []
    return ClockWatch(lambda: told.append("it stands"), loop.call_later), loop, told


def sent(channel: str) -> Event:
    return Event({"type": f"session.{channel}.append", "content": "Hello."}, direction="sent", protocol="live")


def received(type: str, **fields: Any) -> Event:
    return Event({"type": type, **fields}, protocol="live")


@pytest.mark.parametrize("channel", ["instructions", "thinking", "commentary"])
def test_a_clock_that_stands_is_told_once(channel: str):
    watch, loop, told = watching()
    watch.consume(sent(channel))
    loop.passes()
    watch.consume(sent(channel))
    loop.passes()
    assert told == ["it stands"]


@pytest.mark.parametrize(
    "answer",
    [
        received("session.thinking.appended", start_ms=200, end_ms=400),
        received("error", error={"code": "x", "client_event_id": "c1"}),
    ],
    ids=["placed", "refused"],
)
def test_what_was_placed_or_refused_waits_no_longer(answer: Event):
    watch, loop, told = watching()
    watch.consume(sent("thinking"))
    watch.consume(answer)
    loop.passes()
    assert told == []


def test_a_clock_that_moves_gets_more_time():
    watch, loop, told = watching()
    watch.consume(sent("thinking"))
    first = loop.timers[0]
    watch.consume(received("session.output_transcript.delta", delta="Hm", start_ms=200, end_ms=400))
    assert first.is_cancelled
    watch.consume(received("session.usage.updated", usage={"seconds": 3}))
    assert not loop.timers[-1].is_cancelled
    loop.passes()
    assert told == ["it stands"]


def test_nothing_is_told_while_nothing_waits_or_after_the_call():
    watch, loop, told = watching()
    watch.consume(received("session.input_transcript.delta", delta="Hi", start_ms=200, end_ms=400))
    loop.passes()
    watch.consume(sent("thinking"))
    watch.end()
    loop.passes()
    assert told == []
