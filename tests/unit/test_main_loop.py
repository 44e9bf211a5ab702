"""Where traits are written: on the loop that runs, and on none when none runs, with nothing lost in between."""

from __future__ import annotations

import asyncio
import threading

from rtc_widget.main_loop import MainLoop


async def test_what_another_thread_brings_runs_on_the_loop_in_order():
    main, seen = MainLoop(), []

    def bring():
        for number in range(100):
            main.call(lambda number=number: seen.append((number, threading.current_thread())))

    await asyncio.to_thread(bring)
    await asyncio.sleep(0.01)
    assert seen == [(number, threading.main_thread()) for number in range(100)]


def test_without_a_loop_things_happen_at_once():
    main, seen = MainLoop(), []
    main.call(seen.append, 1)
    assert seen == [1]


def test_a_loop_that_comes_later_is_adopted_and_what_it_leaves_over_is_done_by_the_next():
    main, seen = MainLoop(), []

    async def first():
        main.adopt()
        main.call(seen.append, "not yet")
        assert seen == []

    async def second():
        main.adopt()
        main.call(seen.append, "more")
        await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(first())
    loop.close()
    asyncio.run(second())
    main.call(seen.append, "last")
    assert seen == ["not yet", "more", "last"]


async def test_one_that_fails_does_not_hold_up_the_next(caplog):
    main, seen = MainLoop(), []
    main.call(lambda: 1 / 0)
    main.call(seen.append, 1)
    await asyncio.sleep(0.01)
    assert seen == [1]
    assert "ZeroDivisionError" in caplog.text
