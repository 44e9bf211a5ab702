"""Traits are written on the running loop, or at once without one; nothing is lost between two loops."""

from __future__ import annotations

import asyncio
import threading

import pytest

from rtc_widget.errors import AwaitUnsupported
from rtc_widget.kernel.io_thread import io_thread
from rtc_widget.kernel.main_loop import MainLoop


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


def test_a_loop_of_our_own_threads_is_nobody_s_main_loop():
    main = MainLoop()

    async def adopts():
        main.adopt()

    io_thread().run(adopts()).result(5)
    assert main.running is None


async def test_turns_that_a_loop_inside_the_loop_has_used_up_are_made_up_for():
    main, seen = MainLoop(), []

    def runs_a_loop_inside():
        loop = asyncio.get_running_loop()
        with pytest.MonkeyPatch.context() as patch:
            # The loop inside has its turns at once, while this still runs.
            patch.setattr(loop, "call_soon_threadsafe", lambda turn: turn())
            for number in range(3):
                main.call(seen.append, number)
        assert seen == []

    main.call(runs_a_loop_inside)
    await asyncio.sleep(0.01)
    assert seen == [0, 1, 2]


async def test_events_are_awaited_on_the_loop_that_they_are_told_to(chat, page):
    page.hello()
    page.connected()

    def elsewhere():
        with pytest.raises(AwaitUnsupported, match="another loop"):
            asyncio.run(chat.wait_for("anything"))

    await asyncio.to_thread(elsewhere)


async def test_the_page_can_be_asked_from_any_loop(chat, page):
    page.hello()
    asking = asyncio.create_task(asyncio.to_thread(lambda: asyncio.run(chat.devices())))
    await page.reply("devices", result={"devices": []})
    assert await asking == []


async def test_one_that_fails_does_not_hold_up_the_next(caplog):
    main, seen = MainLoop(), []
    main.call(lambda: 1 / 0)
    main.call(seen.append, 1)
    await asyncio.sleep(0.01)
    assert seen == [1]
    assert "ZeroDivisionError" in caplog.text
