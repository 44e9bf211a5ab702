"""Waiting for a state in a cell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PAUSE = 0.02
"""Seconds between two looks."""


async def until(condition: Callable[[], object], seconds: float = 120) -> None:
    """Wait until a condition is true, such as ``lambda: pc.connection_state == "connected"``.

    Parameters
    ----------
    condition : callable
        Called again and again.
    seconds : float
        How long to wait at most; the default is long enough for a computer that is busy.

    Raises
    ------
    TimeoutError
        If it is not true in time.
    """
    try:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - what a student waits for has no event of its own
                await asyncio.sleep(PAUSE)
    except TimeoutError:
        raise TimeoutError(f"The condition was not true within {seconds:g} s.") from None
