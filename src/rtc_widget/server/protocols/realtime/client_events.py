"""The events that come in: the eleven of the GA protocol, decoded and checked once."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rtc_widget.server.errors import ApiError, api_error_from
from rtc_widget.server.strict_json import parse_json


class ClientEvent(BaseModel):
    """What all have in common; unknown keys are refused, as OpenAI does."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    type: str
    event_id: Annotated[str, StringConstraints(max_length=512)] | None = None


class SessionUpdate(ClientEvent):
    """Change the session's settings."""

    session: dict[str, Any]


class CreateItem(ClientEvent):
    """Add an item; its fields are checked where items are made."""

    item: dict[str, Any]
    previous_item_id: str | None = None


class RetrieveItem(ClientEvent):
    """Ask for an item, with its sound."""

    item_id: str


class DeleteItem(ClientEvent):
    """Take an item out of the conversation."""

    item_id: str


class TruncateItem(ClientEvent):
    """Say how much of an answer was heard."""

    item_id: str
    content_index: Annotated[int, Field(ge=0)]
    audio_end_ms: Annotated[int, Field(ge=0)]


class AppendAudio(ClientEvent):
    """Say something: base64 audio in the session's input format."""

    audio: str


class CommitAudio(ClientEvent):
    """End the turn."""


class ClearAudio(ClientEvent):
    """Forget what was said and not committed."""


class ClearOutput(ClientEvent):
    """Be silent at once."""


class CreateResponse(ClientEvent):
    """Answer."""

    response: dict[str, Any] | None = None


class CancelResponse(ClientEvent):
    """Stop answering."""

    response_id: str | None = None


CLIENT_EVENTS: dict[str, type[ClientEvent]] = {
    "session.update": SessionUpdate,
    "conversation.item.create": CreateItem,
    "conversation.item.retrieve": RetrieveItem,
    "conversation.item.delete": DeleteItem,
    "conversation.item.truncate": TruncateItem,
    "input_audio_buffer.append": AppendAudio,
    "input_audio_buffer.commit": CommitAudio,
    "input_audio_buffer.clear": ClearAudio,
    "output_audio_buffer.clear": ClearOutput,
    "response.create": CreateResponse,
    "response.cancel": CancelResponse,
}


def decoded(message: str | bytes) -> dict[str, Any]:
    """Return the object that `message` holds.

    Raises
    ------
    ApiError
        When it holds none, or one without a type.
    """
    if isinstance(message, bytes):
        raise ApiError("Events are text messages, not binary ones.", "invalid_value")
    event = parse_json(message, "The event")
    if not isinstance(event, dict):
        raise ApiError("An event is a JSON object.", "invalid_value")
    if not isinstance(event.get("type"), str):
        raise ApiError("Missing required parameter: 'type'.", "missing_required_parameter", param="type")
    return event


def client_event(event: dict[str, Any]) -> ClientEvent:
    """Return the event that a client sent.

    Raises
    ------
    ApiError
        When there is none of that type, or a field is wrong.
    """
    model = CLIENT_EVENTS.get(event["type"])
    if model is None:
        known = ", ".join(f"'{kind}'" for kind in CLIENT_EVENTS)
        message = f"Invalid value: '{event['type'][:80]}'. Supported values are: {known}."
        raise ApiError(message, "invalid_value", param="type")
    try:
        return model.model_validate(event)
    except ValidationError as error:
        raise api_error_from(error, event, "") from None
