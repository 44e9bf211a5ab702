"""How long to wait after words that may or may not be the end of a thought: the `semantic_vad` of this server.

OpenAI has a model that judges the voice. Here the words decide, which the recogniser already has while the silence is
still young: a whole sentence is answered soon, one that breaks off ("and then …", "the") is waited for. It is an
approximation: it does not hear intonation, and the recogniser likes to put full stops.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

Eagerness = Literal["low", "medium", "high", "auto"]

LONGEST_SILENCE_MS: Mapping[Eagerness, int] = {"low": 8000, "medium": 4000, "auto": 4000, "high": 2000}
"""After so much silence a turn ends whatever was said; OpenAI's numbers."""

_AFTER_A_SENTENCE_MS: Mapping[Eagerness, int] = {"low": 1000, "medium": 600, "auto": 600, "high": 400}
_AFTER_A_PHRASE_MS: Mapping[Eagerness, int] = {"low": 2000, "medium": 1200, "auto": 1200, "high": 700}

# Words after which something has to come, and sounds that people make to keep their turn.
_NEVER_LAST = r"and|or|but|because|if|while|the|a|an|of|from|than|my|your|um|uh|er|erm|hmm"
# The same, unless the recogniser heard the end of a sentence: "I know who she is."
_SELDOM_LAST = (
    r"so|when|that|which|who|to|in|on|at|for|with|by|as|is|are|was|can|could|would|should|will|i|you|well|like"
)
_GOES_ON = re.compile(rf"\b({_NEVER_LAST})[\s,.…-]*$|\b({_SELDOM_LAST})[\s,…-]*$|(,|…|\.\.\.|-)\s*$", re.IGNORECASE)
_IS_WHOLE = re.compile(r"[.!?][\"'”’)]*\s*$")


def silence_after(text: str, eagerness: Eagerness) -> int:
    """Return how much silence after `text` ends the turn, in milliseconds.

    Examples
    --------
    >>> silence_after("What is Opus?", "auto"), silence_after("I would like to", "auto")
    (600, 4000)
    """
    if _GOES_ON.search(text):
        return LONGEST_SILENCE_MS[eagerness]
    return (_AFTER_A_SENTENCE_MS if _IS_WHOLE.search(text) else _AFTER_A_PHRASE_MS)[eagerness]
