"""Leaving out what a model only thinks: `<think>…</think>`, which some servers send among the words."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

OPENING, CLOSING = "<think>", "</think>"


async def strip_reasoning(pieces: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    """Yield `pieces` without what is between `OPENING` and `CLOSING`; the tags may be cut anywhere."""
    waiting, is_thinking = "", False
    async with aclosing(pieces):
        async for piece in pieces:
            waiting += piece
            while True:
                tag = CLOSING if is_thinking else OPENING
                at = waiting.find(tag)
                if at < 0:
                    break
                if not is_thinking and waiting[:at].strip():
                    yield waiting[:at]
                waiting, is_thinking = waiting[at + len(tag) :].lstrip(), not is_thinking
            kept = _beginning_of(tag, waiting)
            said, waiting = waiting[: len(waiting) - kept], waiting[len(waiting) - kept :]
            if said and not is_thinking:
                yield said
    if waiting and not is_thinking:
        yield waiting


def _beginning_of(tag: str, text: str) -> int:
    """Return how many letters at the end of `text` may be the beginning of `tag`."""
    return next((n for n in range(min(len(tag) - 1, len(text)), 0, -1) if text.endswith(tag[:n])), 0)
