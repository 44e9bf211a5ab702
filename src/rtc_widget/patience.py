"""Waiting with a limit, in a notebook whose cells may hold up the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")

_HELD_UP_SECONDS = 0.1
_MOMENT_SECONDS = 1.0


async def within(timeout: float | None, work: Awaitable[T], otherwise: Exception) -> T:
    """Return what `work` gives, or raise `otherwise` after `timeout` seconds; None waits without a limit.

    A cell that has held up the loop past the limit has held up the news as well: those that wait then still count.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task], timeout=timeout)
        if timeout is not None and not task.done() and loop.time() > began + timeout + _HELD_UP_SECONDS:
            await asyncio.wait([task], timeout=_MOMENT_SECONDS)
        if not task.done():
            raise otherwise
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
