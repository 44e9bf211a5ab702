"""The eleven client events of the GA protocol, decoded and validated once."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rtc_widget.server.errors import ApiError, api_error_from
from rtc_widget.server.strict_json import require_depth


class ClientEvent(BaseModel):
    """The fields of all client events. Unknown keys are errors, as with OpenAI."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    type: str
    event_id: Annotated[str, StringConstraints(max_length=512)] | None = None


class SessionUpdate(ClientEvent):
    """Changes the session settings."""

    session: dict[str, Any]


class CreateItem(ClientEvent):
    """Adds an item; `item_from_wire` validates its fields."""

    item: dict[str, Any]
    previous_item_id: str | None = None


class RetrieveItem(ClientEvent):
    """Requests an item with its audio."""

    item_id: str


class DeleteItem(ClientEvent):
    """Removes an item from the conversation."""

    item_id: str


class TruncateItem(ClientEvent):
    """Cuts a spoken message at the end of what was played."""

    item_id: str
    content_index: Annotated[int, Field(ge=0)]
    audio_end_ms: Annotated[int, Field(ge=0)]


class AppendAudio(ClientEvent):
    """Adds input audio: base64 in the input format of the session."""

    audio: str


class CommitAudio(ClientEvent):
    """Ends the turn and creates an item."""


class ClearAudio(ClientEvent):
    """Discards input audio that was not committed."""


class ClearOutput(ClientEvent):
    """Stops playback at once."""


class CreateResponse(ClientEvent):
    """Requests a response."""

    response: dict[str, Any] | None = None


class CancelResponse(ClientEvent):
    """Cancels a response."""

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


def client_event(event: dict[str, Any]) -> ClientEvent:
    """Return the validated event of a client.

    Raises
    ------
    ApiError
        When the type is unknown, or a field is invalid or nested too deeply.
    """
    require_depth(event, "The event")
    model = CLIENT_EVENTS.get(event["type"])
    if model is None:
        known = ", ".join(f"'{kind}'" for kind in CLIENT_EVENTS)
        message = f"Invalid value: '{event['type'][:80]}'. Supported values are: {known}."
        raise ApiError(message, "invalid_value", param="type")
    try:
        return model.model_validate(event)
    except ValidationError as error:
        raise api_error_from(error, event, "") from None
