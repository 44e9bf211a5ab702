"""Splits a text that arrives in pieces into parts to speak."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncGenerator
from contextlib import aclosing

from rtc_widget.server.responders.responder import IncompleteResponse, RequestedToolCall

# An end mark, closing quotes or brackets, then white space and something that can begin a sentence.
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9])|\n+")

# A first clause of at least 20 characters, with at least 20 more after its comma.
_FIRST_CLAUSE = re.compile(r".{20,}?[,;:]\s+(?=.{20})", re.DOTALL)

MAX_LENGTH = 200
"""Longest part in characters. The speaker handles one part at a time: a longer one would hold up all other calls, and
be spoken to the end after an interruption."""

_LOOKAHEAD = 60
"""Characters after a part that show whether it is complete."""

# The last end of a clause in the second half of a part, else its last white space.
_LAST_CLAUSE = re.compile(r".{100,}[,;:.!?…]\s+", re.DOTALL)
_LAST_WORD = re.compile(r".*\S\s+", re.DOTALL)


async def sentences(
    pieces: AsyncGenerator[str | RequestedToolCall, None],
) -> AsyncGenerator[str | RequestedToolCall, None]:
    """Yield each sentence of `pieces` as soon as it is complete, with the white space after it.

    A long first sentence comes in two parts, so that speech starts earlier: synthesis takes time in proportion to the
    text. A sentence of more than `MAX_LENGTH` characters is cut between clauses or words. All parts joined together are
    the original text. Tool calls pass through.
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
                at = 0
                # Only a window of the text is searched and copied, because it may be long.
                while end := _first_part_end(waiting[at : at + MAX_LENGTH + _LOOKAHEAD], is_first):
                    yield waiting[at : at + end]
                    at += end
                    is_first = False
                waiting = waiting[at:]
        except IncompleteResponse as ended:
            cut_off = ended
    if waiting:
        yield waiting
    if cut_off:
        raise cut_off


def first_part(text: str) -> str:
    """Return the first part of a text that comes in one piece.

    Examples
    --------
    >>> first_part("Opus is a codec. Every browser has it.")
    'Opus is a codec. '
    """
    return text[: _first_part_end(text[: MAX_LENGTH + _LOOKAHEAD], is_first=True) or None]


def _first_part_end(text: str, is_first: bool) -> int:
    """Return the end of the first part of `text`, or 0 if it is not complete yet."""
    sentence = _SENTENCE_END.search(text)
    clause = _FIRST_CLAUSE.match(text) if is_first else None
    ends = [found.end() for found in (sentence, clause) if found]
    end = min(ends, default=0)
    if len(text) <= MAX_LENGTH or 0 < end <= MAX_LENGTH:
        return end
    head = text[:MAX_LENGTH]
    cut = _LAST_CLAUSE.match(head) or _LAST_WORD.match(head)
    return cut.end() if cut else MAX_LENGTH


def has_words(text: str) -> bool:
    """Whether `text` has letters, digits or symbols such as emoji, by the general category of Unicode."""
    return any(unicodedata.category(char)[0] in "LNS" for char in text)
