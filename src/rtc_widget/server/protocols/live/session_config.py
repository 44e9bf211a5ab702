"""The settings of a Live session: their closed schema, their defaults, and what may change after the start."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag, ValidationError

from rtc_widget.server.errors import ApiError, api_error_from
from rtc_widget.server.responders.responder import ToolDefinition
from rtc_widget.server.tokens import text_tokens

INSTRUCTIONS = "You are a friendly tutor who explains WebRTC in plain spoken words."

MAX_INSTRUCTION_TOKENS = 16_384
MAX_INPUT_ITEMS = 128
MAX_INPUT_TOKENS = 8_192

MAX_SESSION_BYTES = 240_000
"""Limit on the settings of a session as JSON: `session.started` must fit in a message of a data channel (256 KiB)."""


class _ClosedLiveModel(BaseModel):
    # Strict: "0.5" does not pass as a number, nor true as an integer.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _word_or_object(value: object) -> str:
    if isinstance(value, BaseModel):
        return str(getattr(value, "type", "object"))
    return str(value.get("type", "object")) if isinstance(value, Mapping) else "word"


class LiveCustomVoice(_ClosedLiveModel):
    """A voice of the client's own, by its id. The server uses it as a name."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=64)]


VoiceChoice = Annotated[
    Annotated[str, StringConstraints(min_length=1, max_length=64), Tag("word")]
    | Annotated[LiveCustomVoice, Tag("object")],
    Discriminator(_word_or_object),
]


class LiveOutput(_ClosedLiveModel):
    """The settings of output audio."""

    voice: VoiceChoice = "marin"


class LivePcm(_ClosedLiveModel):
    """Linear samples, 16 bit, in the events of a primary WebSocket."""

    type: Literal["audio/pcm"]
    rate: Literal[24_000, 16_000] = 24_000


class LiveG711(_ClosedLiveModel):
    """G.711 in the events of a primary WebSocket."""

    type: Literal["audio/pcmu", "audio/pcma"]
    rate: Literal[8_000] = 8_000


LiveFormat = Annotated[LivePcm | LiveG711, Field(discriminator="type")]


class LiveAudio(_ClosedLiveModel):
    """The settings of audio; `format` is for a primary WebSocket only."""

    format: LiveFormat | None = None
    output: LiveOutput = LiveOutput()


class InputText(_ClosedLiveModel):
    """The text of an earlier message; the assistant's may also be `text` or `output_text`."""

    type: Literal["input_text", "text", "output_text"]
    text: str


class InputMessage(_ClosedLiveModel):
    """One message of an earlier conversation."""

    role: Literal["developer", "user", "assistant"]
    content: Annotated[list[InputText], Field(min_length=1, max_length=1)]
    type: Literal["message"] = "message"
    id: str | None = None
    status: Literal["in_progress", "completed", "incomplete"] | None = None


class LiveFunction(_ClosedLiveModel):
    """A function of the client that the backend may call."""

    type: Literal["function"]
    name: Annotated[str, StringConstraints(pattern=r"^[\w.-]{1,64}$")]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionChoice(_ClosedLiveModel):
    """The choice of one function."""

    type: Literal["function"]
    name: str


class LiveReasoning(_ClosedLiveModel):
    """Accepted without effect, as are `LiveText`, `service_tier` and the backend's model."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None


class LiveText(_ClosedLiveModel):
    """The length of the backend's text."""

    verbosity: Literal["low", "medium", "high"] | None = None


class BackendConfig(_ClosedLiveModel):
    """The backend of a Responses delegation: the responder of this server, with the client's tools."""

    model: Annotated[str, StringConstraints(min_length=1)]
    instructions: str | None = None
    tools: list[LiveFunction] | None = None
    tool_choice: (
        Annotated[
            Annotated[Literal["none", "auto", "required"], Tag("word")] | Annotated[FunctionChoice, Tag("function")],
            Discriminator(_word_or_object),
        ]
        | None
    ) = None
    parallel_tool_calls: bool | None = None
    reasoning: LiveReasoning | None = None
    text: LiveText | None = None
    max_output_tokens: Annotated[int, Field(ge=16)] | None = None
    service_tier: str | None = None

    def functions(self) -> tuple[ToolDefinition, ...]:
        """Return the tools that the backend may call, by the tool choice."""
        tools = self.tools or []
        if self.tool_choice == "none":
            return ()
        if isinstance(self.tool_choice, FunctionChoice):
            tools = [tool for tool in tools if tool.name == self.tool_choice.name]
        return tuple(ToolDefinition(tool.name, tool.description or "", tool.parameters or {}) for tool in tools)

    @property
    def must_call(self) -> bool:
        """Whether the backend must call a tool."""
        return isinstance(self.tool_choice, FunctionChoice) or (self.tool_choice == "required" and bool(self.tools))


_Delay = Annotated[int, Field(ge=0, le=60_000)]


class ToClient(_ClosedLiveModel):
    """Work is delegated to the client."""

    type: Literal["client"]
    acknowledgement_delay_ms: _Delay | None = None


class ToResponses(_ClosedLiveModel):
    """Work is delegated to a backend that the server runs."""

    type: Literal["responses"]
    responses: BackendConfig
    acknowledgement_delay_ms: _Delay | None = None


class ServerEventChoice(_ClosedLiveModel):
    """An event that the data channel may carry; of `response.event` also one nested type only."""

    type: str
    response_event: str | None = None


class DataChannelRules(_ClosedLiveModel):
    """What the data channel of the page may carry; absent means all."""

    allowed_client_events: Literal["all"] | list[str] | None = None
    allowed_server_events: Literal["all"] | list[ServerEventChoice] | None = None


class LiveClient(_ClosedLiveModel):
    """The rules for the client's connection."""

    data_channel: DataChannelRules


class WakePolicy(_ClosedLiveModel):
    """What ends an idle pause: speech, above a threshold of the voice detector."""

    type: Literal["speech"]
    vad_threshold: Annotated[float, Field(ge=0, le=1)] = 0.5


class LiveConfig(_ClosedLiveModel):
    """All settings of a Live session."""

    id: str = ""
    model: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    status: Literal["active"] = "active"
    expires_at: int = 0
    instructions: str | None = None
    input: Annotated[list[InputMessage], Field(max_length=MAX_INPUT_ITEMS)] = []
    audio: LiveAudio = LiveAudio()
    delegation: Annotated[ToClient | ToResponses, Field(discriminator="type")] | None = None
    triggers: Annotated[list[dict[str, Any]], Field(max_length=0)] | None = None
    client: LiveClient | None = None
    store: Literal[False] = False
    safety_identifier: str | None = None
    wake_policy: WakePolicy | None = None
    idle_timeout_s: Annotated[int, Field(ge=1, le=3_600)] | None = None

    @property
    def prompt(self) -> str:
        """The instructions for the responder; the server's own if the client gave none."""
        return self.instructions if self.instructions and self.instructions.strip() else INSTRUCTIONS

    @property
    def backend(self) -> BackendConfig | None:
        """The backend of a Responses delegation, or None."""
        return self.delegation.responses if isinstance(self.delegation, ToResponses) else None

    @property
    def acknowledgement_delay_ms(self) -> int:
        """The wait before the spoken acknowledgement of a delegation, in milliseconds."""
        return (self.delegation.acknowledgement_delay_ms if self.delegation else None) or 0

    @property
    def voice(self) -> str:
        """The name of the voice for the speaker."""
        voice = self.audio.output.voice
        return voice.id if isinstance(voice, LiveCustomVoice) else voice

    def to_wire(self) -> dict[str, Any]:
        """Return the session object of `session.started`."""
        wire: dict[str, Any] = self.model_dump(mode="json", exclude_none=True)
        wire["instructions"] = self.prompt
        wire.setdefault("delegation", {"type": "client"})
        return wire


_READ_ONLY = ("id", "status", "expires_at")
_MAY_CHANGE = ("delegation", "triggers")


def new_live_session(session_id: str, expires_at: int, settings: object, *, is_websocket: bool = False) -> LiveConfig:
    """Return a new session with the `settings` of a client.

    Parameters
    ----------
    session_id : str
        The id of the session.
    expires_at : int
        When it ends at the latest, in seconds since 1970.
    settings : object
        The `session` of the request, checked here.
    is_websocket : bool
        Whether the session is a primary WebSocket, where audio has a format.

    Raises
    ------
    ApiError
        When a key is unknown, or a value is invalid or not possible with this server; `param` is the path.
    """
    if not isinstance(settings, Mapping):
        raise ApiError("Missing required parameter: 'session'.", "missing_required_parameter", param="session")
    unwritable = next((key for key in settings if key in _READ_ONLY), None)
    if unwritable is not None:
        path = f"session.{unwritable}"
        raise ApiError(f"Unknown parameter: '{path}'.", "unknown_parameter", param=path)
    _require_possible(settings)
    session = _validated({**settings, "id": session_id, "expires_at": expires_at})
    if session.audio.format is not None and not is_websocket:
        path = "session.audio.format"
        raise ApiError(f"'{path}' is for WebSockets only; WebRTC negotiates the codec.", "invalid_value", param=path)
    return session


def changed_live_session(session: LiveConfig, changes: Mapping[str, Any]) -> LiveConfig:
    """Return `session` with the `changes` of a `session.update` event.

    Each field of a backend changes by itself; `tools` is replaced as a whole.

    Raises
    ------
    ApiError
        As `new_live_session`, and `immutable_field_update` for another type of delegation.
    """
    unknown = next((key for key in changes if key not in _MAY_CHANGE), None)
    if unknown is not None:
        path = f"session.{unknown}"
        message = f"Unknown parameter: '{path}'. An update may hold: {', '.join(_MAY_CHANGE)}."
        raise ApiError(message, "unknown_parameter", param=path)
    settings = session.model_dump(mode="json", exclude_none=True)
    if "delegation" in changes:
        known = settings.get("delegation") or {"type": "client"}
        settings["delegation"] = _changed_delegation(known, changes["delegation"])
    if "triggers" in changes:
        settings["triggers"] = changes["triggers"]
    _require_possible(settings)
    return _validated(settings)


def _changed_delegation(known: dict[str, Any], given: object) -> dict[str, Any]:
    path = "session.delegation"
    if not isinstance(given, Mapping) or given.get("type", known["type"]) != known["type"]:
        message = f"'{path}.type' is fixed at the start of the session: it is '{known['type']}'."
        raise ApiError(message, "immutable_field_update", param=f"{path}.type")
    changed = {**known, **given}
    backend = given.get("responses")
    if isinstance(backend, Mapping) and isinstance(known.get("responses"), Mapping):
        changed["responses"] = {**known["responses"], **backend}
    return changed


def _require_possible(settings: Mapping[str, Any]) -> None:
    """Raise `ApiError` for what the API has and this server has not."""
    delegation = settings.get("delegation")
    if isinstance(delegation, Mapping):
        if delegation.get("type") == "decisions":
            raise _impossible("session.delegation.type", "no Decisions; use 'client' or 'responses'")
        backend = delegation.get("responses")
        tools = backend.get("tools") if isinstance(backend, Mapping) else None
        for at, tool in enumerate(tools if isinstance(tools, Sequence) and not isinstance(tools, str) else ()):
            kind = tool.get("type") if isinstance(tool, Mapping) else None
            if isinstance(kind, str) and kind != "function":
                path = f"session.delegation.responses.tools[{at}].type"
                raise _impossible(path, f"no hosted tools such as '{kind[:40]}', only functions")
    if settings.get("triggers"):
        raise _impossible("session.triggers", "no Decisions")
    if settings.get("store") is True:
        raise _impossible("session.store", "no recordings; store must be false")


def _impossible(path: str, reason: str) -> ApiError:
    return ApiError(f"Invalid value for '{path}': this server has {reason}.", "invalid_value", param=path)


def _validated(settings: Mapping[str, Any]) -> LiveConfig:
    try:
        session = LiveConfig.model_validate(settings)
    except ValidationError as error:
        raise api_error_from(error, settings, "session") from None
    _require_tokens("session.instructions", session.instructions or "", MAX_INSTRUCTION_TOKENS)
    history = " ".join(message.content[0].text for message in session.input)
    _require_tokens("session.input", history, MAX_INPUT_TOKENS)
    try:
        size = len(json.dumps(session.to_wire(), separators=(",", ":"), allow_nan=False))
    except (ValueError, RecursionError) as error:
        raise ApiError(f"Invalid value for 'session': {error}.", "invalid_value", param="session") from None
    if size > MAX_SESSION_BYTES:
        message = f"Invalid value for 'session': must not exceed {MAX_SESSION_BYTES:,} bytes of JSON, got {size:,}."
        raise ApiError(message, "invalid_value", param="session")
    return session


def _require_tokens(path: str, text: str, limit: int) -> None:
    tokens = text_tokens(text)
    if tokens > limit:
        message = f"Invalid value for '{path}': must have at most {limit:,} tokens, got {tokens:,}."
        raise ApiError(message, "invalid_value", param=path)
