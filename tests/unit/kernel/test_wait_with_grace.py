"""Waiting with a time limit on a loop that a cell may block."""

from __future__ import annotations

import asyncio
import time

import pytest

from rtc_widget.kernel.main_loop import wait_with_grace


async def test_what_takes_too_long_is_ended_and_told():
    ended = asyncio.Event()

    async def endless():
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    with pytest.raises(LookupError, match="too long"):
        await wait_with_grace(0.01, endless(), LookupError("too long"))
    assert ended.is_set()


async def test_what_is_raised_comes_through_even_if_it_is_a_timeout():
    async def fails():
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await wait_with_grace(None, fails(), LookupError("too long"))


async def test_whoever_is_cancelled_ends_what_is_waited_for():
    work = asyncio.ensure_future(asyncio.sleep(60))
    waiting = asyncio.ensure_future(wait_with_grace(60, work, LookupError("too long")))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert work.cancelled()


async def test_news_of_several_steps_that_waited_for_a_cell_still_counts():
    news = asyncio.get_running_loop().create_future()

    async def steps():
        await news
        for _ in range(5):
            await asyncio.sleep(0)
        return "all of it"

    waiting = asyncio.ensure_future(wait_with_grace(0.05, steps(), LookupError("too long")))
    await asyncio.sleep(0.01)
    asyncio.get_running_loop().call_soon_threadsafe(news.set_result, None)
    time.sleep(0.3)  # noqa: ASYNC251 - as a cell does
    assert await waiting == "all of it"
