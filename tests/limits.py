"""How long a test waits for what must come about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

HANGS = 300
"""Seconds after which a test gives up: only what never ends takes as long, on a machine however busy."""


async def eventually(is_so: Callable[[], object], pause: float = 0.005) -> None:
    """Wait until something is so that happens on another thread or in another process, `pause` between two looks."""
    async with asyncio.timeout(HANGS):
        while not is_so():
            await asyncio.sleep(pause)
