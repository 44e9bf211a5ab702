"""The conversation of a session: its items in order, independent of the wire protocol."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from rtc_widget._aiortc.audio import Samples
from rtc_widget.server.errors import ApiError

MAX_KEPT_SECONDS = 300.0
"""Seconds of input audio that a conversation keeps for retrieval; older messages keep their text only."""

MAX_ITEMS = 2_000
"""Limit on items that a client adds. A call of an hour has a few hundred; each response reads them all."""

MAX_SIZE = 32_000_000
"""Limit on the characters of all items, images included."""

MessageRole = Literal["user", "assistant", "system"]
ItemStatus = Literal["in_progress", "completed", "incomplete"]
ImageDetail = Literal["auto", "low", "high"]
PartType = Literal["input_text", "input_audio", "input_image", "output_text", "output_audio"]


@dataclass(frozen=True, slots=True)
class Part:
    """One content part of a message.

    Attributes
    ----------
    type : PartType
        The kind of content, with the names of the Realtime API.
    text : str or None
        The written text or the transcript of the audio. Truncated audio keeps the words that were played.
    seconds : float
        Duration of the audio.
    samples : numpy.ndarray or None
        The user's audio (16 kHz) while the conversation keeps it.
    image_url : str or None
        The image, as a ``data:`` URL.
    detail : {"auto", "low", "high"} or None
        The detail level that a chat model uses for the image.
    is_truncated : bool
        Whether the audio was cut. The transcript is then hidden, because it is longer than the audio.
    """

    type: PartType
    text: str | None = None
    seconds: float = 0.0
    samples: Samples | None = field(default=None, repr=False, compare=False)
    image_url: str | None = field(default=None, repr=False)
    detail: ImageDetail | None = None
    is_truncated: bool = False

    def truncated(self, end_ms: int) -> Part:
        """Return the part cut at `end_ms`, with the share of its words that fits that time."""
        words = (self.text or "").split()
        kept = words[: round(len(words) * end_ms / 1000 / self.seconds)] if self.seconds else []
        return replace(self, text=" ".join(kept), seconds=end_ms / 1000, is_truncated=True)


@dataclass(frozen=True, slots=True)
class MessageItem:
    """A message of the user, the assistant or the system. A change replaces it by one with the same id."""

    id: str
    role: MessageRole
    parts: tuple[Part, ...] = ()
    status: ItemStatus = "completed"

    @property
    def text(self) -> str:
        """The text of all parts, written or transcribed."""
        return " ".join(part.text for part in self.parts if part.text)


@dataclass(frozen=True, slots=True)
class FunctionCallItem:
    """A tool call for the client; `arguments` is JSON text."""

    id: str
    call_id: str
    name: str
    arguments: str = ""
    status: ItemStatus = "completed"


@dataclass(frozen=True, slots=True)
class FunctionCallOutput:
    """The result of a tool call."""

    id: str
    call_id: str
    output: str
    status: ItemStatus = "completed"


Item = MessageItem | FunctionCallItem | FunctionCallOutput


class Conversation:
    """The items of a session in order, and which user messages a response has answered."""

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self._items: list[Item] = list(items)
        self._by_id = {item.id: item for item in self._items}
        self._answered_ids: set[str] = set()

    @property
    def items(self) -> tuple[Item, ...]:
        """All items, oldest first."""
        return tuple(self._items)

    def part(self, ids: Collection[str]) -> Conversation:
        """Return a conversation of the items in `ids`; both share the record of answered messages."""
        part = Conversation(item for item in self._items if item.id in ids)
        part._answered_ids = self._answered_ids
        return part

    @property
    def size(self) -> int:
        """The number of characters in all items; see `size_of`."""
        return sum(map(size_of, self._items))

    @property
    def last_id(self) -> str | None:
        """The id of the newest item."""
        return self._items[-1].id if self._items else None

    def find(self, item_id: str) -> Item | None:
        """Return the item with that id, or None."""
        return self._by_id.get(item_id)

    def has_call(self, call_id: str) -> bool:
        """Whether the conversation has a tool call with that `call_id`."""
        return any(isinstance(item, FunctionCallItem) and item.call_id == call_id for item in self._items)

    def previous_id(self, item_id: str) -> str | None:
        """Return the id of the item before `item_id`, or None for the first item."""
        at = len(self._items) - 1 if item_id == self.last_id else self._index(item_id)
        return self._items[at - 1].id if at > 0 else None

    def add(self, item: Item, after: str | None = None) -> None:
        """Add `item` at the end, after the item with the id `after`, or at the start (``"root"``).

        Raises
        ------
        ApiError
            When the conversation has an item with that id already, or has no item `after`.
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
        self._by_id[item.id] = item
        if _has_samples(item):
            self._drop_old_audio()

    def change(self, item: Item) -> None:
        """Replace the item that has the id of `item`; does nothing if the client deleted it meanwhile."""
        if self.find(item.id):
            self._items[self._index(item.id)] = self._by_id[item.id] = item

    def truncate(self, item_id: str, content_index: int, end_ms: int) -> None:
        """Cut one part of a spoken message at `end_ms`."""
        item = self.find(item_id)
        if isinstance(item, MessageItem):
            parts = list(item.parts)
            parts[content_index] = parts[content_index].truncated(end_ms)
            self.change(replace(item, parts=tuple(parts)))

    def remove(self, item_id: str) -> None:
        """Remove an item."""
        del self._items[self._index(item_id)]
        del self._by_id[item_id]

    def open_questions(self) -> tuple[MessageItem, ...]:
        """Return the user messages that no response has answered yet."""
        return tuple(item for item in self._questions() if item.id not in self._answered_ids)

    def question(self) -> str:
        """Return the text that the next response answers.

        A user who pauses within a sentence creates two items; one response answers both. If all messages are
        answered, this is the last one.
        """
        return " ".join(item.text for item in self.open_questions() or self._questions()[-1:])

    def take_questions(self) -> tuple[MessageItem, ...]:
        """Return the open questions and mark them as answered."""
        taken = self.open_questions()
        self._answered_ids.update(item.id for item in taken)
        return taken

    def give_back(self, items: tuple[MessageItem, ...]) -> None:
        """Mark `items` as open again: their response was interrupted before its first output."""
        self._answered_ids.difference_update(item.id for item in items)

    def _questions(self) -> tuple[MessageItem, ...]:
        return tuple(
            item for item in self._items if isinstance(item, MessageItem) and item.role == "user" and item.text
        )

    def _index(self, item_id: str) -> int:
        return next(at for at, item in enumerate(self._items) if item.id == item_id)

    def _drop_old_audio(self) -> None:
        kept = 0.0
        for at in range(len(self._items) - 1, -1, -1):
            item = self._items[at]
            if isinstance(item, MessageItem) and _has_samples(item):
                kept += sum(part.seconds for part in item.parts)
                if kept > MAX_KEPT_SECONDS:
                    without = replace(item, parts=tuple(map(_without_samples, item.parts)))
                    self._items[at] = self._by_id[item.id] = without


def size_of(item: Item) -> int:
    """Return the number of characters that `item` holds, in texts and images."""
    match item:
        case MessageItem():
            return sum(len(part.text or "") + len(part.image_url or "") for part in item.parts)
        case FunctionCallItem():
            return len(item.name) + len(item.arguments)
        case FunctionCallOutput():
            return len(item.output)


def _has_samples(item: Item) -> bool:
    return isinstance(item, MessageItem) and any(part.samples is not None for part in item.parts)


def _without_samples(part: Part) -> Part:
    return replace(part, samples=None)
