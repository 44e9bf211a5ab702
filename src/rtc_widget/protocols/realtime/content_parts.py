"""The texts of the content parts of items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtc_widget._unicode import well_formed

_MAX_PARTS = 64
"""A larger content index is ignored; without a limit one invalid event could fill the memory."""


class ContentParts:
    """The texts of content parts by item and index. Each change returns the text of the whole item."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}

    def append(self, item_id: str, index: int, piece: str) -> str:
        """Add a piece to the text of a part."""
        texts = self._texts.get(item_id, [])
        return self.replace(item_id, index, (texts[index] if index < len(texts) else "") + piece)

    def replace(self, item_id: str, index: int, text: str) -> str:
        """Replace the text of a part."""
        texts = self._texts.setdefault(item_id, [])
        if index >= len(texts):
            texts.extend("" for _ in range(index + 1 - len(texts)))
        texts[index] = text
        return _joined(texts)

    def fill(self, item_id: str, texts: list[str]) -> str:
        """Replace the texts of an item; an empty text must not replace one that is known from deltas."""
        for index, text in enumerate(texts[:_MAX_PARTS]):
            if text:
                self.replace(item_id, index, text)
        return _joined(self._texts.get(item_id, []))

    def delete(self, item_id: str) -> None:
        """Delete the texts of an item."""
        self._texts.pop(item_id, None)


def part_index(event: Mapping[str, Any]) -> int:
    """Return the content index of an event; 0 if it is missing, invalid or too large."""
    index = event.get("content_index")
    return index if isinstance(index, int) and 0 <= index < _MAX_PARTS else 0


def part_texts(content: object) -> list[str]:
    """Return the text of each content part: its text, or the transcript of its audio; empty if it has neither."""
    return [_part_text(part) for part in content] if isinstance(content, (list, tuple)) else []


def _part_text(part: object) -> str:
    if not isinstance(part, Mapping):
        return ""
    if part.get("type") == "input_image":
        return "[image]"
    texts = (part.get("transcript"), part.get("text"))
    return next((text.strip() for text in texts if isinstance(text, str) and text.strip()), "")


def _joined(texts: list[str]) -> str:
    # They are kept as they came: the other half of a character may follow in the next delta.
    return well_formed(texts[0] if len(texts) == 1 else "\n".join(text for text in texts if text))
