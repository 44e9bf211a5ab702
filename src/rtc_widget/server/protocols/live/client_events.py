"""The client events of the Live protocol, decoded and validated once."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from rtc_widget.server.errors import ApiError, api_error_from
from rtc_widget.server.strict_json import require_depth
from rtc_widget.server.tokens import text_tokens

MAX_APPEND_TOKENS = 500
"""Limit on the content of one append."""

MAX_APPEND_LENGTH = 16_000
"""The same in characters: the count of tokens is one of words here."""


class LiveEvent(BaseModel):
    """The fields of all client events. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    type: str
    event_id: Annotated[str, StringConstraints(max_length=512)] | None = None


class StartSession(LiveEvent):
    """Starts the session of a primary WebSocket."""

    session: dict[str, Any]


class UpdateLive(LiveEvent):
    """Changes the delegation."""

    session: dict[str, Any]


class AppendSpeech(LiveEvent):
    """Adds input audio on a primary WebSocket: base64 in the format of the session."""

    audio: str


class MuteInput(LiveEvent):
    """Replaces the input audio by silence."""


class UnmuteInput(LiveEvent):
    """Ends the effect of `MuteInput`."""


class AppendText(LiveEvent):
    """Adds text on the clock; `delegation_id` may be null, but must be there."""

    content: Annotated[str, StringConstraints(min_length=1, max_length=MAX_APPEND_LENGTH)]
    delegation_id: str | None


class AppendInstructions(AppendText):
    """Adds the word of the developer."""


class AppendThinking(AppendText):
    """Adds context that is not spoken."""


class AppendCommentary(AppendText):
    """Adds what the voice shall say."""


class QueueBackendItem(LiveEvent):
    """Queues an item for the backend; `backend_item` validates it."""

    item: dict[str, Any]


class RunBackend(LiveEvent):
    """Runs the backend with the queued items."""


class CloseSession(LiveEvent):
    """Ends the session."""


LIVE_EVENTS: dict[str, type[LiveEvent]] = {
    "session.start": StartSession,
    "session.update": UpdateLive,
    "session.input_audio.append": AppendSpeech,
    "session.input_audio.mute": MuteInput,
    "session.input_audio.unmute": UnmuteInput,
    "session.instructions.append": AppendInstructions,
    "session.thinking.append": AppendThinking,
    "session.commentary.append": AppendCommentary,
    "response.item.create": QueueBackendItem,
    "response.create": RunBackend,
    "session.close": CloseSession,
}

NOT_SERVED = {
    "session.output_audio.fixture.play": "plays no fixtures",
    "decision.create": "has no Decisions",
    "decision.item.create": "has no Decisions",
    "decision.item.delete": "has no Decisions",
    "transport.dtmf.send": "has no SIP",
}
"""Events of the API that this server refuses, and why."""


def live_event(event: dict[str, Any]) -> LiveEvent:
    """Return the validated event of a client.

    Raises
    ------
    ApiError
        When the type is unknown or not served, or a field is invalid.
    """
    require_depth(event, "The event")
    kind = event["type"]
    if kind in NOT_SERVED:
        message = f"This server {NOT_SERVED[kind]}; '{kind}' is refused."
        raise ApiError(message, "unsupported_event", param="type")
    model = LIVE_EVENTS.get(kind)
    if model is None:
        known = ", ".join(f"'{name}'" for name in LIVE_EVENTS)
        raise ApiError(f"Invalid value: '{kind[:80]}'. Supported values are: {known}.", "invalid_value", param="type")
    try:
        valid = model.model_validate(event)
    except ValidationError as error:
        raise api_error_from(error, event, "") from None
    if isinstance(valid, AppendText) and (tokens := text_tokens(valid.content)) > MAX_APPEND_TOKENS:
        message = f"Invalid value for 'content': must have at most {MAX_APPEND_TOKENS} tokens, got {tokens}."
        raise ApiError(message, "invalid_value", param="content")
    return valid
