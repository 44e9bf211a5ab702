"""Removes the reasoning of a model, `<think>…</think>`, which some servers send within the text."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

OPENING, CLOSING = "<think>", "</think>"


async def strip_reasoning(pieces: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    """Yield `pieces` without the text between `OPENING` and `CLOSING`; a tag may be split between pieces."""
    waiting, is_reasoning = "", False
    async with aclosing(pieces):
        async for piece in pieces:
            waiting += piece
            while True:
                tag = CLOSING if is_reasoning else OPENING
                at = waiting.find(tag)
                if at < 0:
                    break
                if not is_reasoning and waiting[:at].strip():
                    yield waiting[:at]
                waiting, is_reasoning = waiting[at + len(tag) :].lstrip(), not is_reasoning
            kept = _partial_tag_length(tag, waiting)
            text, waiting = waiting[: len(waiting) - kept], waiting[len(waiting) - kept :]
            if text and not is_reasoning:
                yield text
    if waiting and not is_reasoning:
        yield waiting


def _partial_tag_length(tag: str, text: str) -> int:
    """Return the number of characters at the end of `text` that may begin `tag`."""
    return next((n for n in range(min(len(tag) - 1, len(text)), 0, -1) if text.endswith(tag[:n])), 0)
