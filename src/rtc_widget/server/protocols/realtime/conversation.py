"""What has been said so far, item by item."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from rtc_widget.server.errors import ApiError
from rtc_widget.server.protocols.realtime.items import FunctionCall, Item, Message, Part

LONGEST_KEPT_SECONDS = 300.0
"""How much of a person's sound can be retrieved later; of older turns the words are kept."""


class Conversation:
    """The items in order, and how far the questions in them have been answered."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self._items: list[Item] = list(items)
        self._asked: set[str] = set()

    @property
    def items(self) -> tuple[Item, ...]:
        """All items, oldest first."""
        return tuple(self._items)

    def part(self, ids: Collection[str]) -> Conversation:
        """Return these items as a conversation of their own; what it takes as answered is so here as well."""
        part = Conversation(item for item in self._items if item.id in ids)
        part._asked = self._asked
        return part

    @property
    def last_id(self) -> str | None:
        """The id of the newest item."""
        return self._items[-1].id if self._items else None

    def find(self, item_id: str) -> Item | None:
        """Return the item of that id, if there is one."""
        return next((item for item in self._items if item.id == item_id), None)

    def has_call(self, call_id: str) -> bool:
        """Whether a tool was called under that id."""
        return any(isinstance(item, FunctionCall) and item.call_id == call_id for item in self._items)

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
        if self.find(item.id):
            message = f"Error adding item: there is already an item with the id '{item.id}'."
            raise ApiError(message, "invalid_value", param="item.id")
        if after is None:
            self._items.append(item)
        elif after == "root":
            self._items.insert(0, item)
        elif self.find(after):
            self._items.insert(self._index(after) + 1, item)
        else:
            message = f"Error adding item: the previous item with id '{after}' does not exist."
            raise ApiError(message, "invalid_value", param="previous_item_id")
        self._drop_old_sound()

    def change(self, item: Item) -> None:
        """Put `item` in the place of the one that has its id; does nothing when that was deleted meanwhile."""
        if self.find(item.id):
            self._items[self._index(item.id)] = item

    def truncate(self, item_id: str, content_index: int, end_ms: int) -> None:
        """Keep of a spoken item what was heard until `end_ms`."""
        item = self.find(item_id)
        if isinstance(item, Message):
            parts = list(item.parts)
            parts[content_index] = parts[content_index].truncated(end_ms)
            self.change(replace(item, parts=tuple(parts)))

    def remove(self, item_id: str) -> None:
        """Take an item out."""
        del self._items[self._index(item_id)]

    def open_questions(self) -> tuple[Message, ...]:
        """Return the user's messages that no response has taken up yet."""
        return tuple(item for item in self._questions() if item.id not in self._asked)

    def question(self) -> str:
        """Return what is to be answered now.

        A person who pauses within a sentence makes two items of it: they are answered as one. With nothing new,
        the last message is answered again.
        """
        return " ".join(item.text for item in self.open_questions() or self._questions()[-1:])

    def take_questions(self) -> tuple[Message, ...]:
        """Return the open questions and take them as answered."""
        taken = self.open_questions()
        self._asked.update(item.id for item in taken)
        return taken

    def give_back(self, items: tuple[Message, ...]) -> None:
        """Make `items` questions again: their response was interrupted before it said anything."""
        self._asked.difference_update(item.id for item in items)

    def _questions(self) -> tuple[Message, ...]:
        return tuple(item for item in self._items if isinstance(item, Message) and item.role == "user" and item.text)

    def _index(self, item_id: str) -> int:
        return next(at for at, item in enumerate(self._items) if item.id == item_id)

    def _drop_old_sound(self) -> None:
        kept = 0.0
        for at in range(len(self._items) - 1, -1, -1):
            item = self._items[at]
            if isinstance(item, Message) and any(part.samples is not None for part in item.parts):
                kept += sum(part.seconds for part in item.parts)
                if kept > LONGEST_KEPT_SECONDS:
                    self._items[at] = replace(item, parts=tuple(map(_without_sound, item.parts)))


def _without_sound(part: Part) -> Part:
    return replace(part, samples=None)
