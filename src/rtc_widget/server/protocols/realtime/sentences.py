"""Cutting a text that is still being written into pieces that can be spoken."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from rtc_widget.server.responders.responder import IncompleteResponse, RequestedToolCall

# An end mark, closing quotes or brackets, then white space and something that can begin a sentence.
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9])|\n+")

# A first piece of at least 20 characters that leaves at least 20 more to say after its comma.
_FIRST_CLAUSE = re.compile(r".{20,}?[,;:]\s+(?=.{20})", re.DOTALL)


async def sentences(
    pieces: AsyncGenerator[str | RequestedToolCall, None],
) -> AsyncGenerator[str | RequestedToolCall, None]:
    """Yield each sentence of `pieces` as soon as it is complete, with the white space that follows it.

    The first sentence, if it is long, comes in two parts: speaking takes time in proportion to the text, and the
    person is waiting for the first sound. Joined together all parts are the text again. Calls of tools pass through.
    """
    waiting = ""
    is_first = True
    # Closed with this generator: whoever thinks must learn at once that nobody listens any more.
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
    """Return where the first part of `text` ends; 0 when it is not complete yet."""
    sentence = _SENTENCE_END.search(text)
    clause = _FIRST_CLAUSE.match(text) if is_first else None
    ends = [found.end() for found in (sentence, clause) if found]
    return min(ends, default=0)
