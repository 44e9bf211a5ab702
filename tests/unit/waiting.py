"""Waiting for what happens a moment later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def eventually(is_so: Callable[[], object], timeout: float = 5.0) -> None:
    """Wait until something is so that happens on another thread."""
    async with asyncio.timeout(timeout):
        while not is_so():
            await asyncio.sleep(0.005)


async def settled() -> None:
    """Let everything that was handed to the loop happen."""
    for _ in range(5):
        await asyncio.sleep(0)
