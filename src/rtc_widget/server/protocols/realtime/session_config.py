"""The session settings: their schema, their defaults, and how a change is merged.

The schema is closed, as with OpenAI: an unknown key is an error with its path.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag, ValidationError

from rtc_widget.server.audio_formats import AudioFormat
from rtc_widget.server.errors import ApiError, api_error_from
from rtc_widget.server.speech.turn_detection import MAX_SILENCE_MS, Eagerness, TurnSettings

MODEL = "rtc-widget-local"
INSTRUCTIONS = "You are a friendly tutor who explains WebRTC in plain spoken words."

MAX_SESSION_BYTES = 240_000
"""Limit on the settings of a session as JSON: `session.updated` must fit in a message of a data channel (256 KiB)."""


class _ClosedSessionModel(BaseModel):
    # Strict, as with OpenAI: "0.5" does not pass as a number, nor true as an integer.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _word_or_object(value: object) -> str:
    """Return the tag of `value` in a union of words and objects, so that errors concern that member only."""
    if isinstance(value, BaseModel):
        return str(getattr(value, "type", "object"))
    return str(value.get("type", "object")) if isinstance(value, Mapping) else "word"


class PcmFormat(_ClosedSessionModel):
    """Linear samples in events. For the track of a WebRTC call the SDP negotiates the codec."""

    type: Literal["audio/pcm"] = "audio/pcm"
    rate: Literal[24000] = 24000

    def audio_format(self) -> AudioFormat:
        """Return the format of audio in events."""
        return AudioFormat(self.type, self.rate)


class G711Format(_ClosedSessionModel):
    """G.711, 8 kHz."""

    type: Literal["audio/pcmu", "audio/pcma"]

    def audio_format(self) -> AudioFormat:
        """Return the format of audio in events."""
        return AudioFormat(self.type, 8000)


Format = Annotated[PcmFormat | G711Format, Field(discriminator="type")]


class Transcription(_ClosedSessionModel):
    """Transcription of the input audio. The recognizer is always that of the server."""

    model: str = "local"
    language: str | None = "en"
    languages: list[str] | None = None
    prompt: str | None = None
    keywords: list[str] | None = None
    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class NoiseReduction(_ClosedSessionModel):
    """Accepted without effect: the browser already reduces noise."""

    type: Literal["near_field", "far_field"]
    strength: float | None = None


class ServerVad(_ClosedSessionModel):
    """Turn detection by silence."""

    type: Literal["server_vad"] = "server_vad"
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.5
    prefix_padding_ms: Annotated[int, Field(ge=0, le=5_000)] = 300
    silence_duration_ms: Annotated[int, Field(ge=100, le=10_000)] = 500
    idle_timeout_ms: Annotated[int, Field(ge=1_000, le=60_000)] | None = None
    create_response: bool = True
    interrupt_response: bool = True

    def turns(self) -> TurnSettings:
        """Return the settings of the turn detector."""
        return TurnSettings(self.threshold, self.prefix_padding_ms, self.silence_duration_ms, self.idle_timeout_ms)


class SemanticVad(_ClosedSessionModel):
    """Turn detection by the recognized words; see `silence_after`."""

    type: Literal["semantic_vad"]
    eagerness: Eagerness = "auto"
    create_response: bool = True
    interrupt_response: bool = True

    def turns(self) -> TurnSettings:
        """Return the settings of the turn detector."""
        # Until the words are known, wait the longest time.
        return TurnSettings(silence_duration_ms=MAX_SILENCE_MS[self.eagerness])


class AudioInput(_ClosedSessionModel):
    """The settings of input audio."""

    format: Format = PcmFormat()
    transcription: Transcription | None = Transcription()
    noise_reduction: NoiseReduction | None = None
    turn_detection: Annotated[ServerVad | SemanticVad, Field(discriminator="type")] | None = ServerVad()


VoiceName = Annotated[str, StringConstraints(pattern=r"^[\w-]{1,64}$")]


class CustomVoice(_ClosedSessionModel):
    """A custom voice of OpenAI; its id serves as a name."""

    id: VoiceName


Voice = Annotated[
    Annotated[VoiceName, Tag("word")] | Annotated[CustomVoice, Tag("object")], Discriminator(_word_or_object)
]


def name_of(voice: VoiceName | CustomVoice) -> str:
    """Return the name of `voice` for the speaker."""
    return voice.id if isinstance(voice, CustomVoice) else voice


class AudioOutput(_ClosedSessionModel):
    """The settings of output audio."""

    format: Format = PcmFormat()
    voice: Voice = "heart"
    speed: Annotated[float, Field(ge=0.25, le=1.5)] = 1.0


class SessionAudio(_ClosedSessionModel):
    """The settings of input and output audio."""

    input: AudioInput = AudioInput()
    output: AudioOutput = AudioOutput()


class FunctionTool(_ClosedSessionModel):
    """A function of the client, without a nested `function` object."""

    type: Literal["function"]
    name: Annotated[str, StringConstraints(pattern=r"^[\w.-]{1,64}$")]
    description: str = ""
    parameters: dict[str, Any] = {}


class McpTool(BaseModel):
    """An MCP server. The session keeps it, but this server does not call it."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: Literal["mcp"]
    server_label: str


class NamedTool(_ClosedSessionModel):
    """The choice of one function."""

    type: Literal["function"]
    name: str


class NamedMcpTool(_ClosedSessionModel):
    """The choice of one MCP server; see `McpTool`."""

    type: Literal["mcp"]
    server_label: str
    name: str | None = None


SessionTool = Annotated[FunctionTool | McpTool, Field(discriminator="type")]
ToolChoice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("word")]
    | Annotated[NamedTool, Tag("function")]
    | Annotated[NamedMcpTool, Tag("mcp")],
    Discriminator(_word_or_object),
]


class Reasoning(_ClosedSessionModel):
    """Accepted without effect: the server does not reason."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None


class Tracing(_ClosedSessionModel):
    """Accepted without effect, as the settings that follow."""

    workflow_name: str | None = None
    group_id: str | None = None
    metadata: Any = None


class _TokenLimits(_ClosedSessionModel):
    post_instructions: Annotated[int, Field(ge=0)] | None = None


class RetentionRatio(_ClosedSessionModel):
    """The share of a conversation that is kept if it is too long for the model."""

    type: Literal["retention_ratio"]
    retention_ratio: Annotated[float, Field(ge=0, le=1)]
    token_limits: _TokenLimits | None = None


class Prompt(_ClosedSessionModel):
    """A stored prompt."""

    id: str
    version: str | None = None
    variables: dict[str, Any] | None = None


class SessionConfig(_ClosedSessionModel):
    """All settings of a session, with the defaults of this server.

    Unlike with OpenAI, transcription of the input audio is on by default.
    """

    type: Literal["realtime"]
    object: Literal["realtime.session"] = "realtime.session"
    id: str = ""
    model: str = MODEL
    expires_at: int = 0
    instructions: str = INSTRUCTIONS
    output_modalities: Annotated[list[Literal["audio", "text"]], Field(min_length=1, max_length=1)] = ["audio"]
    audio: SessionAudio = SessionAudio()
    tools: list[SessionTool] = []
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool | None = None
    reasoning: Reasoning | None = None
    max_output_tokens: Annotated[int, Field(ge=1, le=4096)] | Literal["inf"] = "inf"
    tracing: (
        Annotated[
            Annotated[Literal["auto"], Tag("word")] | Annotated[Tracing, Tag("object")],
            Discriminator(_word_or_object),
        ]
        | None
    ) = None
    truncation: Annotated[
        Annotated[Literal["auto", "disabled"], Tag("word")] | Annotated[RetentionRatio, Tag("retention_ratio")],
        Discriminator(_word_or_object),
    ] = "auto"
    include: list[Literal["item.input_audio_transcription.logprobs"]] | None = None
    prompt: Prompt | None = None

    def to_wire(self) -> dict[str, Any]:
        """Return the session object of `session.created`."""
        return self.model_dump(mode="json")


_READ_ONLY = ("id", "object", "expires_at")
# A change replaces each of these as a whole.
_WHOLE = frozenset({"tools", "tool_choice", "tracing", "truncation", "prompt", "parameters", "format", "voice"})


def new_session(session_id: str, expires_at: int, settings: Mapping[str, Any] | None = None) -> SessionConfig:
    """Return a new session with the `settings` of a client.

    Raises
    ------
    ApiError
        When a key is unknown or a value invalid; `param` is the path.
    """
    if settings is None:
        settings = {"type": "realtime"}
    return _checked({**_writable(settings), "id": session_id, "expires_at": expires_at})


def changed_session(session: SessionConfig, changes: Mapping[str, Any], *, has_spoken: bool = False) -> SessionConfig:
    """Return `session` with `changes` merged: objects key by key, other values as a whole.

    Parameters
    ----------
    session : SessionConfig
        The current settings.
    changes : mapping
        The `session` of a `session.update` event.
    has_spoken : bool
        Whether the session has had output audio; its voice can then not change.

    Raises
    ------
    ApiError
        As `new_session`, and when the model, a voice in use, or active tracing changes.
    """
    changes = _writable(changes)
    if changes.get("model", session.model) != session.model:
        raise ApiError("Cannot update a session's model.", "invalid_value", param="session.model")
    changed = _checked(_merged(session.to_wire(), changes))
    if has_spoken and changed.audio.output.voice != session.audio.output.voice:
        message = "Cannot update a conversation's voice if assistant audio is present."
        raise ApiError(message, "cannot_update_voice", param="session.audio.output.voice")
    if session.tracing is not None and changed.tracing != session.tracing:
        message = "Cannot update a session's tracing once it is on."
        raise ApiError(message, "invalid_value", param="session.tracing")
    return changed


def _writable(settings: Mapping[str, Any]) -> dict[str, Any]:
    if "type" not in settings:
        message = 'Missing required parameter: \'session.type\'. Send "type": "realtime".'
        raise ApiError(message, "missing_required_parameter", param="session.type")
    # A client may send back the session object that it received.
    return {key: value for key, value in settings.items() if key not in _READ_ONLY}


def _merged(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        known = base.get(key)
        merged[key] = value
        if isinstance(known, dict) and isinstance(value, Mapping) and key not in _WHOLE:
            # Turn detection of another type has other keys, so the old ones must not be merged.
            kind = known.get("type")
            merged[key] = _merged(known, value) if value.get("type", kind) == kind else value
    return merged


def _checked(settings: Mapping[str, Any]) -> SessionConfig:
    try:
        session = SessionConfig.model_validate(settings)
    except ValidationError as error:
        raise api_error_from(error, settings, "session") from None
    require_chosen_tool(session.tools, session.tool_choice, "session.tool_choice")
    _require_sendable(session)
    return session


def _require_sendable(session: SessionConfig) -> None:
    """Raise `ApiError` if no event can contain `session`; the session would then stay unusable."""
    try:
        size = len(json.dumps(session.to_wire(), separators=(",", ":"), allow_nan=False))
    except (ValueError, RecursionError) as error:
        raise ApiError(f"Invalid value for 'session': {error}.", "invalid_value", param="session") from None
    if size > MAX_SESSION_BYTES:
        message = f"Invalid value for 'session': must not exceed {MAX_SESSION_BYTES:,} bytes of JSON, got {size:,}."
        raise ApiError(message, "invalid_value", param="session")


def require_chosen_tool(tools: list[SessionTool], choice: ToolChoice, param: str) -> None:
    """Raise `ApiError` if `choice` names a tool that is not in `tools`; otherwise every response would fail."""
    if isinstance(choice, NamedTool):
        is_there = any(isinstance(tool, FunctionTool) and tool.name == choice.name for tool in tools)
    elif isinstance(choice, NamedMcpTool):
        is_there = any(isinstance(tool, McpTool) and tool.server_label == choice.server_label for tool in tools)
    else:
        return
    if not is_there:
        name = choice.name or "mcp"
        raise ApiError(f"Tool choice '{name}' not found in 'tools' parameter.", "invalid_value", param=param)
