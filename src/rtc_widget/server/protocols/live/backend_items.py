"""Items of the Responses API from a client, and the queue in which they wait for the backend."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rtc_widget.server.conversation import FunctionCallOutput, MessageItem, MessageRole, Part
from rtc_widget.server.errors import ApiError, api_error_from
from rtc_widget.server.messages import new_id

MAX_QUEUED_ITEMS = 128
MAX_QUEUED_ITEM_BYTES = 32_768
"""Limits on what waits for the next `response.create`."""

_ROLES: Mapping[str, MessageRole] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
}


class _ClosedBackendItem(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _BackendText(_ClosedBackendItem):
    type: Literal["input_text", "output_text"]
    text: str

    def part(self) -> Part:
        return Part(self.type, self.text)


class _BackendImage(_ClosedBackendItem):
    type: Literal["input_image"]
    image_url: Annotated[str, StringConstraints(pattern=r"^data:image/(png|jpeg);base64,")]
    detail: Literal["auto", "low", "high"] | None = None

    def part(self) -> Part:
        return Part("input_image", image_url=self.image_url, detail=self.detail)


class _BackendMessage(_ClosedBackendItem):
    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: Annotated[list[Annotated[_BackendText | _BackendImage, Field(discriminator="type")]], Field(min_length=1)]
    id: str | None = None
    status: Literal["in_progress", "completed", "incomplete"] | None = None


class _BackendOutput(_ClosedBackendItem):
    type: Literal["function_call_output"]
    call_id: str
    output: str | list[_BackendText]
    id: str | None = None
    status: Literal["in_progress", "completed", "incomplete"] | None = None


def backend_item(wire: Mapping[str, Any]) -> MessageItem | FunctionCallOutput:
    """Return the item for the JSON object of a client.

    Raises
    ------
    ApiError
        When it is neither a message nor the output of a function call, or a field is invalid.
    """
    try:
        if wire.get("type") == "function_call_output":
            given = _BackendOutput.model_validate(wire)
            text = given.output if isinstance(given.output, str) else " ".join(part.text for part in given.output)
            return FunctionCallOutput(new_id("item"), given.call_id, text)
        if wire.get("type", "message") == "message":
            given_content = wire.get("content")
            if isinstance(given_content, str):
                wire = {**wire, "content": [{"type": "input_text", "text": given_content}]}
            message = _BackendMessage.model_validate(wire)
            parts = tuple(part.part() for part in message.content)
            return MessageItem(new_id("item"), _ROLES[message.role], parts)
    except ValidationError as error:
        raise api_error_from(error, wire, "item") from None
    kind = str(wire.get("type"))[:80]
    known = "'message' and 'function_call_output'"
    raise ApiError(f"Invalid value: '{kind}'. Supported values are: {known}.", "invalid_value", param="item.type")


class BackendQueue:
    """The items that wait for the next response of the backend."""

    def __init__(self) -> None:
        self._items: list[MessageItem | FunctionCallOutput] = []
        self._bytes = 0

    def add(self, wire: Mapping[str, Any], item: MessageItem | FunctionCallOutput) -> None:
        """Queue `item`, whose JSON is `wire`.

        Raises
        ------
        ApiError
            When the queue would hold too much; the item is then lost, as with OpenAI.
        """
        size = len(json.dumps(wire, separators=(",", ":"), ensure_ascii=False).encode(errors="replace"))
        if len(self._items) >= MAX_QUEUED_ITEMS or self._bytes + size > MAX_QUEUED_ITEM_BYTES:
            message = (
                f"The input of the backend must have at most {MAX_QUEUED_ITEMS} items and "
                f"{MAX_QUEUED_ITEM_BYTES:,} bytes, got {len(self._items) + 1} and {self._bytes + size:,}."
            )
            raise ApiError(message, "response_input_buffer_full", param="item")
        self._items.append(item)
        self._bytes += size

    def outputs(self) -> set[str]:
        """Return the ids of the calls whose output waits."""
        return {item.call_id for item in self._items if isinstance(item, FunctionCallOutput)}

    def take(self) -> list[MessageItem | FunctionCallOutput]:
        """Return all items, and empty the queue."""
        taken, self._items, self._bytes = self._items, [], 0
        return taken
