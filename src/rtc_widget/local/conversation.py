"""What has been said so far, item by item."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Literal

from rtc_widget.local.events import new_id
from rtc_widget.local.refusal import Refusal

Role = Literal["user", "assistant", "system"]
ItemStatus = Literal["in_progress", "completed", "incomplete"]
PartType = Literal["input_text", "input_audio", "output_text", "output_audio"]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of content; `text` is what was written, or what was heard in the sound."""

    type: PartType
    text: str | None = None
    audio_seconds: float = 0.0

    def to_wire(self) -> dict[str, Any]:
        """Return the part as the protocol shows it."""
        return {"type": self.type, "transcript" if self.type.endswith("audio") else "text": self.text}


@dataclass(frozen=True, slots=True)
class Item:
    """A message of the conversation; a change makes a new one with the same id."""

    id: str
    role: Role
    parts: tuple[Part, ...] = ()
    status: ItemStatus = "completed"

    @property
    def text(self) -> str:
        """What the item says, written or spoken."""
        return " ".join(part.text for part in self.parts if part.text)

    def to_wire(self) -> dict[str, Any]:
        """Return the item as the protocol shows it."""
        return {
            "id": self.id,
            "type": "message",
            "object": "realtime.item",
            "status": self.status,
            "role": self.role,
            "content": [part.to_wire() for part in self.parts],
        }


_PARTS_OF: dict[str, tuple[PartType, ...]] = {
    "user": ("input_text",),
    "system": ("input_text",),
    "assistant": ("output_text",),
}


def item_from_wire(wire: object) -> Item:
    """Return the item that a client describes in `conversation.item.create`.

    Raises
    ------
    Refusal
        When it is no message of text.
    """
    if not isinstance(wire, dict):
        raise Refusal("Missing required parameter: 'item'.", "missing_required_parameter", param="item")
    if wire.get("type") != "message":
        message = f"The local server takes items of type 'message', not {_shown(wire.get('type'))}."
        raise Refusal(message, "invalid_value", param="item.type")
    role = wire.get("role")
    if not isinstance(role, str) or role not in _PARTS_OF:
        message = f"Invalid value: {_shown(role)}. Supported values are: 'user', 'assistant' and 'system'."
        raise Refusal(message, "invalid_value", param="item.role")
    content = wire.get("content")
    if not isinstance(content, list) or not content:
        raise Refusal("Missing required parameter: 'item.content'.", "missing_required_parameter", param="item.content")
    given = wire.get("id")
    item_id = given if isinstance(given, str) and given else new_id("item")
    parts = tuple(_part_from_wire(part, role, f"item.content[{at}]") for at, part in enumerate(content))
    return Item(item_id, role, parts)  # type: ignore[arg-type]  # a key of _PARTS_OF


def _part_from_wire(part: object, role: str, path: str) -> Part:
    kind = part.get("type") if isinstance(part, dict) else None
    allowed = _PARTS_OF[role]
    if not isinstance(part, dict) or kind not in allowed:
        message = f"Invalid value: {_shown(kind)}. The local server takes {' and '.join(allowed)} in {role} messages."
        raise Refusal(message, "invalid_value", param=f"{path}.type")
    if not isinstance(part.get("text"), str):
        raise Refusal(f"Missing required parameter: '{path}.text'.", "missing_required_parameter", param=f"{path}.text")
    return Part(kind, part["text"])


def _shown(value: object) -> str:
    return "nothing" if value is None else f"'{value}'" if isinstance(value, str) else json.dumps(value)[:80]


class Conversation:
    """The items in order, and how far the questions in them have been answered."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._asked: set[str] = set()

    @property
    def items(self) -> tuple[Item, ...]:
        """All items, oldest first."""
        return tuple(self._items)

    @property
    def last_id(self) -> str | None:
        """The id of the newest item."""
        return self._items[-1].id if self._items else None

    def previous_id(self, item_id: str) -> str | None:
        """Return the id of the item before `item_id`."""
        at = self._index(item_id)
        return self._items[at - 1].id if at > 0 else None

    def add(self, item: Item, after: str | None = None) -> None:
        """Add `item` at the end, after the item with the id `after`, or first of all (``"root"``).

        Raises
        ------
        Refusal
            When the id is taken, or there is no item `after`.
        """
        if any(known.id == item.id for known in self._items):
            raise Refusal(f"There is already an item with the id '{item.id}'.", "invalid_value", param="item.id")
        if after is None:
            self._items.append(item)
        elif after == "root":
            self._items.insert(0, item)
        elif any(known.id == after for known in self._items):
            self._items.insert(self._index(after) + 1, item)
        else:
            message = f"There is no item with the id '{after}'."
            raise Refusal(message, "invalid_value", param="previous_item_id")

    def change(self, item_id: str, **changes: Any) -> Item:
        """Replace fields of an item and return it as it is now."""
        at = self._index(item_id)
        self._items[at] = replace(self._items[at], **changes)
        return self._items[at]

    def open_questions(self) -> tuple[Item, ...]:
        """Return the user's messages that no response has taken up yet."""
        return tuple(item for item in self._items if item.role == "user" and item.id not in self._asked and item.text)

    def take_question(self) -> tuple[str, tuple[Item, ...]]:
        """Return what is to be answered now, and the items it was taken from.

        A person who pauses within a sentence makes two items of it: they are answered as one. With nothing new,
        the last message is answered again.
        """
        taken = self.open_questions()
        self._asked.update(item.id for item in taken)
        last = [item for item in self._items if item.role == "user" and item.text][-1:]
        return " ".join(item.text for item in taken or last), taken

    def give_back(self, items: tuple[Item, ...]) -> None:
        """Make `items` questions again: their response was interrupted before it said anything."""
        self._asked.difference_update(item.id for item in items)

    def _index(self, item_id: str) -> int:
        return next(at for at, item in enumerate(self._items) if item.id == item_id)
