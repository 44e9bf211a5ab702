"""The meaning of events, in terms that all wire protocols share.

A protocol (`rtc_widget.protocols`) reads facts out of events. Usage, latency, timeline, speaking states, tools and the
session's settings are made of facts alone, so that they work with every protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rtc_widget.types import Role


@dataclass(frozen=True, slots=True)
class SessionChanged:
    """The server has reported the session's settings.

    Attributes
    ----------
    settings : mapping
        The settings as the protocol defines them.
    is_new : bool
        Whether the session has just begun.
    tools : frozenset of str
        The names of the functions that the model may call.
    silence : float or None
        Seconds of silence that end the user's turn; None if the server detects no turns or does not report it.
    expires_at : float or None
        When the server will end the session, in seconds since 1970; None if it does not report it.
    """

    settings: Mapping[str, Any]
    is_new: bool
    tools: frozenset[str]
    silence: float | None
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """One side has begun to speak; `source` is the conversation item of the user, the response of the assistant.

    `is_measured`: the page has heard it; the server does not report it.
    """

    speaker: Role
    source: str
    is_measured: bool = False


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """One side has stopped speaking, or was interrupted."""

    speaker: Role
    source: str
    status: Literal["completed", "interrupted"] = "completed"


@dataclass(frozen=True, slots=True)
class WordsSpoken:
    """Words of one side, where the server reports neither turns nor when speech begins and ends.

    `start` and `end` are seconds since the session began, by the server's clock; None if it does not report them.
    """

    speaker: Role
    start: float | None
    end: float | None


@dataclass(frozen=True, slots=True)
class AudioCommitted:
    """The user's audio has become a conversation item."""

    source: str


@dataclass(frozen=True, slots=True)
class AudioCleared:
    """The user's audio was discarded."""


@dataclass(frozen=True, slots=True)
class PushToTalkStarted:
    """The user has begun a turn of push-to-talk."""


@dataclass(frozen=True, slots=True)
class TurnWritten:
    """The user has sent a turn in writing."""


@dataclass(frozen=True, slots=True)
class ResponseRequested:
    """A response was asked for; out of band, it is not part of the conversation."""

    is_out_of_band: bool


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    """The server has begun a response."""

    response_id: str
    is_out_of_band: bool


@dataclass(frozen=True, slots=True)
class ResponseText:
    """Words of a response have arrived."""

    response_id: str


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function that the model calls, with its arguments as JSON."""

    name: str
    arguments: str
    call_id: str


@dataclass(frozen=True, slots=True)
class FunctionCallFinished:
    """The arguments of a function call are complete; its response may still be cancelled."""

    response_id: str
    call: FunctionCall


@dataclass(frozen=True, slots=True)
class FunctionCallStarted:
    """The model waits for a function's result from now on."""

    call_id: str
    name: str


@dataclass(frozen=True, slots=True)
class FunctionOutputSent:
    """The server was sent a function's result."""

    call_id: str


@dataclass(frozen=True, slots=True)
class ResponseEnded:
    """A response has ended.

    Attributes
    ----------
    response_id : str
        The response.
    status : {"completed", "cancelled", "incomplete", "failed"}
        How it ended, as the server calls it.
    calls : tuple of FunctionCall
        The functions that it calls.
    has_message, has_audio : bool
        Whether it has a message, and whether the message has audio.
    reason : str
        Why it failed; empty if the server does not report it.
    """

    response_id: str
    status: str
    calls: tuple[FunctionCall, ...] = ()
    has_message: bool = False
    has_audio: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TokensUsed:
    """A response, or a transcription, has used tokens; see `rtc_widget.conversation.usage.UsageEntry`."""

    source: str
    amounts: Mapping[str, float]
    model: str = ""


@dataclass(frozen=True, slots=True)
class SecondsUsed:
    """How long the session has lasted so far, in seconds: while it was active, and while it was paused."""

    active: float
    standby: float


@dataclass(frozen=True, slots=True)
class ErrorReported:
    """The server has reported an error; code and message are empty if it gave none."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ServerNote:
    """An error of the server that is shown to the user and does not end the call.

    Attributes
    ----------
    code, message : str
        The error, as far as the server reports it.
    ends_response : bool
        Whether it is the reason why the user gets no response.
    """

    code: str
    message: str
    ends_response: bool = False


Fact = (
    SessionChanged
    | SpeechStarted
    | SpeechEnded
    | WordsSpoken
    | AudioCommitted
    | AudioCleared
    | PushToTalkStarted
    | TurnWritten
    | ResponseRequested
    | ResponseStarted
    | ResponseText
    | FunctionCallFinished
    | FunctionCallStarted
    | FunctionOutputSent
    | ResponseEnded
    | TokensUsed
    | SecondsUsed
    | ErrorReported
    | ServerNote
)
