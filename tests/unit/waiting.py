"""Waits for conditions that become true a moment later."""

from __future__ import annotations

import asyncio

from tests.limits import eventually

__all__ = ["eventually", "settled"]


async def settled() -> None:
    """Let everything that was handed to the loop happen."""
    for _ in range(5):
        await asyncio.sleep(0)
