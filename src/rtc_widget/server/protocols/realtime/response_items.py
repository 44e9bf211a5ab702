"""The items of a response while it is created. Each sends its own events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from rtc_widget.server.conversation import Conversation, FunctionCallItem, Item, ItemStatus, MessageItem, Part
from rtc_widget.server.messages import new_id
from rtc_widget.server.protocols.realtime.items import item_to_wire
from rtc_widget.server.protocols.realtime.server_events import Emitter
from rtc_widget.server.responders.responder import RequestedToolCall

Modality = Literal["audio", "text"]


@dataclass(frozen=True, slots=True)
class ItemContext:
    """The response and the conversation of an item.

    Attributes
    ----------
    response_id : str
        The id of the response.
    emitter : Emitter
        Sends the events.
    conversation : Conversation or None
        The conversation that gets the items; None for a response out of band.
    """

    response_id: str
    emitter: Emitter
    conversation: Conversation | None

    def begin(self, item: Item, output_index: int) -> None:
        """Send that an item has begun."""
        self._emit("response.output_item.added", output_index=output_index, item=item_to_wire(item))
        if self.conversation is not None:
            self.conversation.add(item)
            previous = self.conversation.previous_id(item.id)
            self.emitter.emit("conversation.item.added", previous_item_id=previous, item=item_to_wire(item))

    def end(self, item: Item, output_index: int) -> None:
        """Send that an item is complete."""
        self._emit("response.output_item.done", output_index=output_index, item=item_to_wire(item))
        if self.conversation is not None and self.conversation.find(item.id):
            self.conversation.change(item)
            previous = self.conversation.previous_id(item.id)
            self.emitter.emit("conversation.item.done", previous_item_id=previous, item=item_to_wire(item))

    def _emit(self, event: str, **fields: Any) -> None:
        self.emitter.emit(event, response_id=self.response_id, **fields)


class Draft(Protocol):
    """An item that is not complete yet."""

    def end(self, status: ItemStatus) -> Item:
        """Send the last events of the item and return it."""
        ...


@dataclass(slots=True)
class MessageDraft:
    """A message of the assistant, which grows piece by piece."""

    context: ItemContext
    output_index: int
    modality: Modality
    item_id: str = field(default_factory=lambda: new_id("item"))
    seconds: float = 0.0
    _text: str = ""

    def __post_init__(self) -> None:
        self.context.begin(MessageItem(self.item_id, "assistant", status="in_progress"), self.output_index)
        self._emit("response.content_part.added", part=self._wire_part())

    def place(self) -> dict[str, Any]:
        """Return the ids and indexes of the content part."""
        return {
            "response_id": self.context.response_id,
            "item_id": self.item_id,
            "output_index": self.output_index,
            "content_index": 0,
        }

    def add_text(self, text: str, seconds: float = 0.0) -> None:
        """Add `text`, whose audio lasts `seconds`."""
        self._text += text
        self.seconds += seconds
        kind = "audio_transcript" if self.modality == "audio" else "text"
        self._emit(f"response.output_{kind}.delta", delta=text)

    def end(self, status: ItemStatus) -> Item:
        """Send the last events of the message and return it."""
        if self.modality == "audio":
            self._emit("response.output_audio.done")
            self._emit("response.output_audio_transcript.done", transcript=self._text)
        else:
            self._emit("response.output_text.done", text=self._text)
        self._emit("response.content_part.done", part=self._wire_part())
        part = Part("output_audio" if self.modality == "audio" else "output_text", self._text, self.seconds)
        item = MessageItem(self.item_id, "assistant", (part,), status)
        self.context.end(item, self.output_index)
        return item

    def _wire_part(self) -> dict[str, str]:
        # In `response.content_part.*` the types have no prefix "output_", unlike in items.
        if self.modality == "audio":
            return {"type": "audio", "transcript": self._text}
        return {"type": "text", "text": self._text}

    def _emit(self, event: str, **fields: Any) -> None:
        self.context.emitter.emit(event, **self.place(), **fields)


@dataclass(slots=True)
class CallDraft:
    """A tool call. The responder yields it whole, so it is never cut."""

    context: ItemContext
    output_index: int
    call: RequestedToolCall
    item_id: str = field(default_factory=lambda: new_id("item"))
    call_id: str = field(default_factory=lambda: new_id("call"))

    def __post_init__(self) -> None:
        begun = FunctionCallItem(self.item_id, self.call_id, self.call.name, "", "in_progress")
        self.context.begin(begun, self.output_index)
        self._emit("response.function_call_arguments.delta", delta=self.call.arguments)

    def end(self, status: ItemStatus) -> Item:
        """Send the last events of the call and return it."""
        self._emit("response.function_call_arguments.done", name=self.call.name, arguments=self.call.arguments)
        item = FunctionCallItem(self.item_id, self.call_id, self.call.name, self.call.arguments, status)
        self.context.end(item, self.output_index)
        return item

    def _emit(self, event: str, **fields: Any) -> None:
        self.context.emitter.emit(
            event,
            response_id=self.context.response_id,
            item_id=self.item_id,
            output_index=self.output_index,
            call_id=self.call_id,
            **fields,
        )
