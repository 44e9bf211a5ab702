"""The items of a conversation as JSON objects of the Realtime API: decoding, validation and encoding."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget.server.audio_formats import PCM_24, AudioFormat, decoded_audio, encoded_audio
from rtc_widget.server.conversation import (
    FunctionCallItem,
    FunctionCallOutput,
    ImageDetail,
    Item,
    ItemStatus,
    MessageItem,
    Part,
)
from rtc_widget.server.errors import ApiError, api_error_from
from rtc_widget.server.messages import new_id
from rtc_widget.server.speech import INPUT_RATE


def item_to_wire(item: Item, *, with_audio: bool = False) -> dict[str, Any]:
    """Return `item` as a ``realtime.item`` object; `with_audio` includes the user's audio while it is kept."""
    frame = {"id": item.id, "object": "realtime.item", "status": item.status}
    match item:
        case MessageItem():
            content = [_part_to_wire(part, with_audio=with_audio) for part in item.parts]
            return {**frame, "type": "message", "role": item.role, "content": content}
        case FunctionCallItem():
            call = {"call_id": item.call_id, "name": item.name, "arguments": item.arguments}
            return {**frame, "type": "function_call", **call}
        case FunctionCallOutput():
            return {**frame, "type": "function_call_output", "call_id": item.call_id, "output": item.output}


def _part_to_wire(part: Part, *, with_audio: bool) -> dict[str, Any]:
    if part.type == "input_image":
        detail = {"detail": part.detail} if part.detail else {}
        return {"type": part.type, "image_url": part.image_url, **detail}
    if not part.type.endswith("audio"):
        return {"type": part.type, "text": part.text}
    wire: dict[str, Any] = {"type": part.type, "transcript": None if part.is_truncated else part.text}
    if with_audio and part.samples is not None:
        data = encoded_audio(MonoAudio(part.samples, INPUT_RATE), PCM_24)
        wire["audio"] = base64.b64encode(data).decode()
    return wire


class _ClosedItemModel(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Text(_ClosedItemModel):
    type: Literal["input_text", "output_text"]
    text: str

    def part(self, audio_format: AudioFormat, path: str) -> Part:
        return Part(self.type, self.text)


class _AudioContent(_ClosedItemModel):
    type: Literal["input_audio"]
    audio: str | None = None
    transcript: str | None = None

    def part(self, audio_format: AudioFormat, path: str) -> Part:
        if self.audio is None:
            return Part(self.type, self.transcript)
        audio = decoded_audio(self.audio, audio_format, param=f"{path}.audio")
        return Part(self.type, self.transcript, audio.seconds, audio.at(INPUT_RATE).samples)


class _OutputAudio(_ClosedItemModel):
    """A spoken message of an earlier call. Only the transcript is kept; the audio is never played again."""

    type: Literal["output_audio"]
    audio: str | None = None
    transcript: str | None = None

    def part(self, audio_format: AudioFormat, path: str) -> Part:
        return Part(self.type, self.transcript)


class _Image(_ClosedItemModel):
    type: Literal["input_image"]
    image_url: Annotated[str, StringConstraints(pattern=r"^data:image/(png|jpeg);base64,")]
    detail: ImageDetail | None = None

    def part(self, audio_format: AudioFormat, path: str) -> Part:
        return Part(self.type, image_url=self.image_url, detail=self.detail)


class _InputText(_Text):
    type: Literal["input_text"]


class _OutputText(_Text):
    type: Literal["output_text"]


class _Item(_ClosedItemModel):
    type: str
    id: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    object: Literal["realtime.item"] | None = None
    status: ItemStatus | None = None


class _User(_Item):
    role: Literal["user"]
    content: Annotated[
        list[Annotated[_InputText | _AudioContent | _Image, Field(discriminator="type")]], Field(min_length=1)
    ]


class _System(_Item):
    role: Literal["system"]
    content: Annotated[list[_InputText], Field(min_length=1)]


class _Assistant(_Item):
    role: Literal["assistant"]
    content: Annotated[list[Annotated[_OutputText | _OutputAudio, Field(discriminator="type")]], Field(min_length=1)]


class _FunctionCallInput(_Item):
    name: str
    arguments: str
    call_id: str | None = None


class _CallOutput(_Item):
    call_id: str
    output: str


_MESSAGES: dict[str, type[_User] | type[_System] | type[_Assistant]] = {
    "user": _User,
    "system": _System,
    "assistant": _Assistant,
}


def item_from_wire(wire: object, audio_format: AudioFormat = PCM_24, *, root: str = "item") -> Item:
    """Return the item for the JSON object of a client; `root` is its path in the event.

    Raises
    ------
    ApiError
        When the object is not a valid item.
    """
    if not isinstance(wire, Mapping):
        raise ApiError(f"Missing required parameter: '{root}'.", "missing_required_parameter", param=root)
    kind, role = wire.get("type"), wire.get("role")
    try:
        match kind:
            case "message":
                return _message(wire, role, audio_format, root)
            case "function_call":
                call = _FunctionCallInput.model_validate(wire)
                call_id = call.call_id or new_id("call")
                return FunctionCallItem(call.id or new_id("item"), call_id, call.name, call.arguments)
            case "function_call_output":
                given = _CallOutput.model_validate(wire)
                return FunctionCallOutput(given.id or new_id("item"), given.call_id, given.output)
    except ValidationError as error:
        raise api_error_from(error, wire, root) from None
    kinds = "'message', 'function_call' and 'function_call_output'"
    raise ApiError(
        f"Invalid value: {_shown(kind)}. Supported values are: {kinds}.", "invalid_value", param=f"{root}.type"
    )


def _message(wire: Mapping[str, Any], role: object, audio_format: AudioFormat, root: str) -> MessageItem:
    model = _MESSAGES.get(role) if isinstance(role, str) else None
    if model is None:
        message = f"Invalid value: {_shown(role)}. Supported values are: 'user', 'assistant' and 'system'."
        raise ApiError(message, "invalid_value", param=f"{root}.role")
    given = model.model_validate(wire)
    parts = (part.part(audio_format, f"{root}.content[{at}]") for at, part in enumerate(given.content))
    return MessageItem(given.id or new_id("item"), given.role, tuple(parts))


def _shown(value: object) -> str:
    return "nothing" if value is None else f"'{value}'" if isinstance(value, str) else repr(value)[:80]
