"""The items of a conversation: messages, calls of tools, and what the tools gave back."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rtc_widget._aiortc.audio import Samples, Sound
from rtc_widget.server.audio_formats import PCM_24, AudioFormat, decoded_audio, encoded_audio
from rtc_widget.server.errors import ApiError, api_error_from
from rtc_widget.server.protocols.realtime.server_events import new_id
from rtc_widget.server.speech import HEARING_RATE

Role = Literal["user", "assistant", "system"]
ItemStatus = Literal["in_progress", "completed", "incomplete"]
ImageDetail = Literal["auto", "low", "high"]
PartType = Literal["input_text", "input_audio", "input_image", "output_text", "output_audio"]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of content.

    Attributes
    ----------
    text : str or None
        What was written, or what was said in the sound; of a truncated sound what could still be heard.
    seconds : float
        How long the sound is.
    samples : numpy.ndarray or None
        The sound of a person (16 kHz), as long as it is kept.
    image_url : str or None
        The image, as a ``data:`` URL.
    detail : {"auto", "low", "high"} or None
        How closely a chat model is to look at it.
    is_truncated : bool
        The transcript is not shown any more: it says more than was heard.
    """

    type: PartType
    text: str | None = None
    seconds: float = 0.0
    samples: Samples | None = field(default=None, repr=False, compare=False)
    image_url: str | None = field(default=None, repr=False)
    detail: ImageDetail | None = None
    is_truncated: bool = False

    def truncated(self, end_ms: int) -> Part:
        """Return the part as far as it was heard; of its text, as many words as fit that time."""
        words = (self.text or "").split()
        kept = words[: round(len(words) * end_ms / 1000 / self.seconds)] if self.seconds else []
        return replace(self, text=" ".join(kept), seconds=end_ms / 1000, is_truncated=True)

    def to_wire(self, *, with_sound: bool = False) -> dict[str, Any]:
        """Return the part as the protocol shows it."""
        if self.type == "input_image":
            detail = {"detail": self.detail} if self.detail else {}
            return {"type": self.type, "image_url": self.image_url, **detail}
        if not self.type.endswith("audio"):
            return {"type": self.type, "text": self.text}
        wire: dict[str, Any] = {"type": self.type, "transcript": None if self.is_truncated else self.text}
        if with_sound and self.samples is not None:
            sound = encoded_audio(Sound(self.samples, HEARING_RATE), PCM_24)
            wire["audio"] = base64.b64encode(sound).decode()
        return wire


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody said; a change makes a new one with the same id."""

    id: str
    role: Role
    parts: tuple[Part, ...] = ()
    status: ItemStatus = "completed"

    @property
    def text(self) -> str:
        """What the message says, written or spoken."""
        return " ".join(part.text for part in self.parts if part.text)

    def to_wire(self, *, with_sound: bool = False) -> dict[str, Any]:
        """Return the item as the protocol shows it."""
        content = [part.to_wire(with_sound=with_sound) for part in self.parts]
        return {**_frame(self, "message"), "role": self.role, "content": content}


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A tool that is to be called by the client; `arguments` is JSON."""

    id: str
    call_id: str
    name: str
    arguments: str = ""
    status: ItemStatus = "completed"

    def to_wire(self, *, with_sound: bool = False) -> dict[str, Any]:
        """Return the item as the protocol shows it."""
        call = {"call_id": self.call_id, "name": self.name, "arguments": self.arguments}
        return {**_frame(self, "function_call"), **call}


@dataclass(frozen=True, slots=True)
class FunctionCallOutput:
    """What a tool gave back."""

    id: str
    call_id: str
    output: str
    status: ItemStatus = "completed"

    def to_wire(self, *, with_sound: bool = False) -> dict[str, Any]:
        """Return the item as the protocol shows it."""
        return {**_frame(self, "function_call_output"), "call_id": self.call_id, "output": self.output}


Item = Message | FunctionCall | FunctionCallOutput


def _frame(item: Item, kind: str) -> dict[str, Any]:
    return {"id": item.id, "type": kind, "object": "realtime.item", "status": item.status}


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
        sound = decoded_audio(self.audio, audio_format, param=f"{path}.audio")
        return Part(self.type, self.transcript, sound.seconds, sound.at(HEARING_RATE).samples)


class _SaidAudio(_ClosedItemModel):
    """An answer of an earlier call: its words are the history, its sound would not be played again."""

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
    content: Annotated[list[Annotated[_OutputText | _SaidAudio, Field(discriminator="type")]], Field(min_length=1)]


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
    """Return the item that a client describes; `root` is where it stands in the event.

    Raises
    ------
    ApiError
        When it is none that can be made.
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
                return FunctionCall(call.id or new_id("item"), call_id, call.name, call.arguments)
            case "function_call_output":
                given = _CallOutput.model_validate(wire)
                return FunctionCallOutput(given.id or new_id("item"), given.call_id, given.output)
    except ValidationError as error:
        raise api_error_from(error, wire, root) from None
    kinds = "'message', 'function_call' and 'function_call_output'"
    raise ApiError(
        f"Invalid value: {_shown(kind)}. Supported values are: {kinds}.", "invalid_value", param=f"{root}.type"
    )


def _message(wire: Mapping[str, Any], role: object, audio_format: AudioFormat, root: str) -> Message:
    model = _MESSAGES.get(role) if isinstance(role, str) else None
    if model is None:
        message = f"Invalid value: {_shown(role)}. Supported values are: 'user', 'assistant' and 'system'."
        raise ApiError(message, "invalid_value", param=f"{root}.role")
    given = model.model_validate(wire)
    parts = (part.part(audio_format, f"{root}.content[{at}]") for at, part in enumerate(given.content))
    return Message(given.id or new_id("item"), given.role, tuple(parts))


def _shown(value: object) -> str:
    return "nothing" if value is None else f"'{value}'" if isinstance(value, str) else repr(value)[:80]
