"""Splits a text that arrives in pieces into parts to speak."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from rtc_widget.server.responders.responder import IncompleteResponse, RequestedToolCall

# An end mark, closing quotes or brackets, then white space and something that can begin a sentence.
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9])|\n+")

# A first clause of at least 20 characters, with at least 20 more after its comma.
_FIRST_CLAUSE = re.compile(r".{20,}?[,;:]\s+(?=.{20})", re.DOTALL)


async def sentences(
    pieces: AsyncGenerator[str | RequestedToolCall, None],
) -> AsyncGenerator[str | RequestedToolCall, None]:
    """Yield each sentence of `pieces` as soon as it is complete, with the white space after it.

    A long first sentence comes in two parts, so that speech starts earlier: synthesis takes time in proportion to the
    text. All parts joined together are the original text. Tool calls pass through.
    """
    waiting = ""
    is_first = True
    # Close the responder together with this generator, so that it stops at once.
    cut_off: IncompleteResponse | None = None
    async with aclosing(pieces):
        try:
            async for piece in pieces:
                if isinstance(piece, RequestedToolCall):
                    if waiting:
                        yield waiting
                        waiting = ""
                    yield piece
                    continue
                waiting += piece
                while end := _first_part_end(waiting, is_first):
                    yield waiting[:end]
                    waiting = waiting[end:]
                    is_first = False
        except IncompleteResponse as ended:
            cut_off = ended
    if waiting:
        yield waiting
    if cut_off:
        raise cut_off


def _first_part_end(text: str, is_first: bool) -> int:
    """Return the end of the first part of `text`, or 0 if it is not complete yet."""
    sentence = _SENTENCE_END.search(text)
    clause = _FIRST_CLAUSE.match(text) if is_first else None
    ends = [found.end() for found in (sentence, clause) if found]
    return min(ends, default=0)
