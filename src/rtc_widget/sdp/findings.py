"""A finding about two session descriptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["negotiated", "refused", "changed", "error"]
MARKS: dict[Outcome, str] = {"negotiated": "✓", "refused": "✕", "changed": "≠", "error": "!"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that two descriptions say together.

    Attributes
    ----------
    topic : str
        What it is about, such as ``"codecs"`` or ``"direction"``.
    outcome : {"negotiated", "refused", "changed", "error"}
        Agreed on; refused by the answer; said differently by the two; not allowed.
    before, after : str
        What each description says; may be empty.
    text : str
        What it means, in a sentence.
    """

    topic: str
    outcome: Outcome
    before: str
    after: str
    text: str
