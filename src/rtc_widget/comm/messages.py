"""The messages of a page: one frozen dataclass each. `protocol.decode` makes them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from rtc_widget.comm.decoding import MalformedMessage, integer, mapping, text
from rtc_widget.types import Direction, Status, Track

LOWEST_RATE, HIGHEST_RATE = 1000, 768_000
"""The sample rates that audio may have, in Hz."""

ConnectionState = Literal["new", "connecting", "connected", "disconnected", "failed", "closed"]
IceConnectionState = Literal["new", "checking", "connected", "completed", "disconnected", "failed", "closed"]
IceGatheringState = Literal["new", "gathering", "complete"]
SignalingState = Literal[
    "stable", "have-local-offer", "have-remote-offer", "have-local-pranswer", "have-remote-pranswer", "closed"
]
DataChannelState = Literal["connecting", "open", "closing", "closed"]
MicrophonePermission = Literal["prompt", "granted", "denied", "unavailable"]


def _error(name: str, value: Any) -> dict[str, str]:
    error = mapping(name, value)
    code, message = (text(f"{name}.{key}", error.get(key)) for key in ("code", "message"))
    return {"code": code, "message": message, "hint": str(error.get("hint") or "")}


def _sample_rate(name: str, value: Any) -> int:
    rate = integer(name, value)
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise MalformedMessage(f"{name} must be between {LOWEST_RATE} and {HIGHEST_RATE} Hz, got {rate}")
    return rate


def _samples(name: str, value: Any) -> bytes:
    try:
        data = base64.b64decode(text(name, value), validate=True)
    except binascii.Error as error:
        raise MalformedMessage(f"{name} must be base64: {error}") from None
    if len(data) % 2:
        raise MalformedMessage(f"{name} must be 16-bit samples, got {len(data)} bytes")
    return data


def _event(name: str, value: Any) -> WireEvent:
    match value:
        case [("sent" | "received") as direction, int() | float() as time_ms, str() as content]:
            return WireEvent(direction, float(time_ms), content)
        case _:
            raise MalformedMessage(f"{name} must be [direction, milliseconds, text] each")


PageError = Annotated[Mapping[str, str], _error]
"""An error of the page: ``{code, message, hint}``."""


@dataclass(frozen=True, slots=True)
class PageState:
    """A complete picture of the call as the page sees it; the strings are those of the W3C.

    `max_message_size` is what the data channel carries, in bytes; None while there is none.
    """

    status: Status
    connection_state: ConnectionState
    ice_connection_state: IceConnectionState
    ice_gathering_state: IceGatheringState
    signaling_state: SignalingState
    data_channel_state: DataChannelState
    microphone_permission: MicrophonePermission
    muted: bool
    receive_only: bool
    max_message_size: int | None
    error: PageError | None


@dataclass(frozen=True, slots=True)
class Hello:
    """A page has loaded the widget."""

    page: str
    protocol: int


@dataclass(frozen=True, slots=True)
class Goodbye:
    """A page is being closed, reloaded, or put aside; one that comes back says hello again."""

    page: str


@dataclass(frozen=True, slots=True)
class State:
    """The page's state has changed; `seq` grows by one with each.

    `resumes` says that this attempt goes on with an earlier call.
    """

    page: str
    seq: int
    attempt: str | None
    resumes: bool
    state: PageState


@dataclass(frozen=True, slots=True)
class WireEvent:
    """One event of the data channel: when (milliseconds since 1970, the page's clock) and its JSON text as it went."""

    direction: Direction
    time_ms: float
    text: str


@dataclass(frozen=True, slots=True)
class Events:
    """A run of events without holes; `first` is the running number of its first event on this page."""

    page: str
    attempt: str | None
    first: int
    events: tuple[Annotated[WireEvent, _event], ...]


@dataclass(frozen=True, slots=True)
class Prepare:
    """Asks for what is needed to make an offer."""

    page: str
    id: str
    attempt: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """Asks for the answer to an offer."""

    page: str
    id: str
    attempt: str
    sdp: str


@dataclass(frozen=True, slots=True)
class Renegotiate:
    """Asks for the answer to another offer of a call that stands, which seeks a new way to the server."""

    page: str
    id: str
    attempt: str
    sdp: str


@dataclass(frozen=True, slots=True)
class CreateClientSecret:
    """Asks for a short-lived secret, with which the page exchanges its offer itself."""

    page: str
    id: str
    attempt: str


@dataclass(frozen=True, slots=True)
class Exchanged:
    """Says what the server calls the call that the page has made itself, where the page could read it."""

    page: str
    attempt: str
    call_id: str | None


@dataclass(frozen=True, slots=True)
class History:
    """Asks for the events that this page has not seen itself, from number `first` on, up to and without `before`.

    `brief` leaves out what the transcript does not need. `without` names the attempts of the page's own.
    """

    page: str
    id: str
    first: int
    before: int | None
    brief: bool
    without: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Audio:
    """A piece of what one side was heard to say, about 200 ms; comes while ``settings["record"]`` is true.

    Attributes
    ----------
    number : int
        The running number of this page's `Audio` and `Stats` messages, acknowledged by `media_ack`.
    track : {"user", "assistant"}
        What was sent, after muting; or what came from the other side.
    rate : int
        Samples a second.
    at_ms : float
        When its first sample was heard: milliseconds since 1970, the page's clock, as for events.
    lost : int
        How many samples of this track the page has had to drop just before it.
    data : bytes
        Signed 16-bit little-endian mono PCM; base64 on the wire.
    """

    page: str
    number: int
    attempt: str
    track: Track
    rate: Annotated[int, _sample_rate]
    at_ms: float
    lost: int
    data: Annotated[bytes, _samples]


@dataclass(frozen=True, slots=True)
class Stats:
    """What ``RTCPeerConnection.getStats()`` said (W3C WebRTC Statistics), every ``settings["stats_interval"]`` seconds.

    Numbered together with `Audio`; `time_ms` is on the page's clock, as for events.
    """

    page: str
    number: int
    attempt: str
    time_ms: float
    reports: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Clip:
    """Asks for the samples of a clip that the page is to speak, from byte `first` on.

    The page was told of it by a `say` request or by ``settings["microphone"] = {"clip": …}``. The reply holds the
    ``rate``, a part of the samples (as in `Audio`), and where the ``next`` part begins, None after the last.
    """

    page: str
    id: str
    clip: str
    first: int


@dataclass(frozen=True, slots=True)
class HangUp:
    """Says that an attempt is over and the server may forget it."""

    page: str
    attempt: str


@dataclass(frozen=True, slots=True)
class Pong:
    """A sign of life of a page that was asked for one, and the time by its clock (milliseconds since 1970)."""

    page: str
    time_ms: float


@dataclass(frozen=True, slots=True)
class Reply:
    """The page's answer to a request of the kernel: either a result or an error.

    `seq` is that of the last `State` that the page had sent when it answered.
    """

    page: str
    id: str
    seq: int
    result: Mapping[str, Any] | None
    error: PageError | None

    def __post_init__(self) -> None:
        if (self.result is None) == (self.error is None):
            raise MalformedMessage("a reply must have either a result or an error")


FromPage = (
    Hello
    | Goodbye
    | State
    | Events
    | Prepare
    | Exchange
    | Renegotiate
    | CreateClientSecret
    | Exchanged
    | History
    | Audio
    | Stats
    | Clip
    | HangUp
    | Pong
    | Reply
)
