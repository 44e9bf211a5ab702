"""Token counts of texts.

The server has no tokenizer, so words and punctuation marks count as the tokens of a text.
"""

from __future__ import annotations

import re

_WORD_OR_MARK = re.compile(r"\w+|[^\w\s]")


def text_tokens(text: str) -> int:
    """Return the number of words and punctuation marks in `text`."""
    return len(_WORD_OR_MARK.findall(text))
