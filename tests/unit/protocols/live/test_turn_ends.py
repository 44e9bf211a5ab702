"""A turn ends by the time alone: no event of GPT-Live says that a speaker has stopped."""

from __future__ import annotations

import pytest

from rtc_widget.kernel.main_loop import MainLoop

HELLO = {"type": "session.input_transcript.delta", "delta": "Hello", "start_ms": 800, "end_ms": 1_000}


@pytest.fixture
def timers(monkeypatch):
    """The functions that wait for the end of a turn."""
    waiting = []

    def call_later(self, seconds, function):
        if seconds == 2.0:
            waiting.append(function)

    monkeypatch.setattr(MainLoop, "call_later", call_later)
    return waiting


def statuses(chat):
    return [(turn.text, turn.status) for turn in chat.transcript]


async def test_a_turn_is_over_two_seconds_after_its_last_words(timers, make, page):
    chat = make(None)
    await chat.connect()
    page.receives(HELLO)
    await page.settled()
    assert statuses(chat) == [("Hello", "in_progress")]
    [end_turn] = timers
    end_turn()
    assert statuses(chat) == [("Hello", "completed")]
    assert chat.transcript[0].end == 1.0
    assert [event.type for event in chat.events] == ["session.started", HELLO["type"]], "nothing is logged"


async def test_later_words_keep_a_turn_open(timers, make, page):
    chat = make(None)
    await chat.connect()
    page.receives(HELLO)
    page.passes(1.5)
    page.receives({**HELLO, "delta": " there", "start_ms": 1_100, "end_ms": 1_300})
    await page.settled()
    timers[0]()
    assert statuses(chat) == [("Hello there", "in_progress")]
    timers[1]()
    assert statuses(chat) == [("Hello there", "completed")]


async def test_a_turn_that_the_end_of_the_call_cuts_stays_interrupted(timers, make, page):
    chat = make(None)
    await chat.connect()
    page.receives(HELLO)
    await page.settled()
    page.gives_up()
    await page.settled()
    timers[0]()
    assert statuses(chat) == [("Hello", "interrupted")]
