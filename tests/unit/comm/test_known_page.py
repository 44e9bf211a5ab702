from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from rtc_widget.comm.known_page import PageClock
from tests.unit.waiting import settled


def test_clocks_that_cannot_be_told_apart_are_left_alone():
    clock = PageClock()
    clock.record_ping(now_ms=1_000)
    clock.record_pong(page_ms=1_030, now_ms=1_050)
    assert clock.offset_ms == 0


def test_the_fastest_answer_counts():
    clock = PageClock()
    for page_ms, now_ms in ((6_010, 1_020), (6_900, 3_000), (6_004, 1_010)):
        clock.record_ping(now_ms=1_000)
        clock.record_pong(page_ms=page_ms, now_ms=now_ms)
    assert clock.offset_ms == 1_005 - 6_004


def test_an_answer_to_no_question_says_nothing():
    clock = PageClock()
    clock.record_pong(page_ms=5, now_ms=9_000)
    assert clock.offset_ms == 0


def test_an_answer_that_comes_after_the_next_question_is_not_taken_for_the_answer_to_that():
    clock = PageClock()
    clock.record_ping(now_ms=0)
    clock.record_ping(now_ms=6_000)
    clock.record_pong(page_ms=10, now_ms=6_005)  # a busy cell held it up
    assert clock.offset_ms == 0


def test_a_clock_that_was_set_is_noticed():
    clock = PageClock()
    for page_ms, now_ms in ((1_002, 1_004), (61_010, 1_040)):
        clock.record_ping(now_ms=1_000)
        clock.record_pong(page_ms=page_ms, now_ms=now_ms)
    assert clock.offset_ms == 1_020 - 61_010


async def test_events_of_a_browser_whose_clock_is_an_hour_off_have_the_kernels_time(chat, page):
    page.hello()
    hour_ahead = time.time() * 1000 + 3_600_000
    page.say("pong", time_ms=hour_ahead)
    page.connected()
    page.say("events", attempt="a1", first=0, events=[["received", hour_ahead + 50, '{"type": "session.created"}']])
    await settled()
    assert abs(chat.events[0].time - datetime.now(UTC)) < timedelta(seconds=5)
    assert chat.events[0].elapsed == 0
