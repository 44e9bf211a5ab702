"""Which voice is meant: OpenAI's names, and those of the engine here."""

from __future__ import annotations

from collections.abc import Mapping

AMERICAN, BRITISH = "heart", "heart-british"

NEAREST: Mapping[str, str] = {
    "alloy": AMERICAN,
    "ash": AMERICAN,
    "ballad": BRITISH,
    "cedar": AMERICAN,
    "coral": AMERICAN,
    "echo": AMERICAN,
    "marin": AMERICAN,
    "sage": AMERICAN,
    "shimmer": AMERICAN,
    "verse": BRITISH,
}
"""OpenAI's voices, and by which voice each is spoken here: there is one speaker, with two accents."""
