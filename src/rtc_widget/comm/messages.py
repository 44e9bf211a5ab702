"""The messages of a page: one frozen dataclass each. `protocol.decode` makes them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from rtc_widget.comm.decoding import MalformedMessage, integer, mapping, text
from rtc_widget.types import Direction, Role, Status, Track

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
    # Not `match`, which takes twice as long; this is done for each event.
    if isinstance(value, list) and len(value) == 3:
        direction, time_ms, content = value
        is_event = direction in ("sent", "received") and isinstance(time_ms, int | float) and isinstance(content, str)
        if is_event:
            return WireEvent(direction, float(time_ms), content)
    raise MalformedMessage(f"{name} must be [direction, milliseconds, text] each")


def _peer_event(name: str, value: Any) -> WirePeerEvent:
    match value:
        case [int() | float() as time_ms, str() as source, str() as type, dict() | None as payload, dict() as changes]:
            states = {handle: mapping(f"{name} of {handle}", state) for handle, state in changes.items()}
            return WirePeerEvent(float(time_ms), source, type, payload or {}, states)
        case _:
            raise MalformedMessage(f"{name} must be [milliseconds, source, name, payload, changes] each")


PageError = Annotated[Mapping[str, str], _error]
"""An error of the page: ``{code, message, hint}``."""


@dataclass(frozen=True, slots=True)
class PageState:
    """The complete state of the call in the page; the strings are those of the W3C.

    `max_message_size` is the largest message of the data channel, in bytes; None without an open channel or a limit.
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
    """A page is closed, reloaded or suspended. A page that returns sends `Hello` again."""

    page: str


@dataclass(frozen=True, slots=True)
class State:
    """The page's state has changed; `seq` grows by one with each message.

    `resumes` says that this attempt resumes an earlier call. `heard_until_ms` is set when its call has ended: until
    when the other side's audio was heard, by the page's clock (milliseconds since 1970).
    """

    page: str
    seq: int
    attempt: str | None
    resumes: bool
    heard_until_ms: float | None
    state: PageState


@dataclass(frozen=True, slots=True)
class WireEvent:
    """One event of the data channel: its time (milliseconds since 1970, by the page's clock) and its unchanged text."""

    direction: Direction
    time_ms: float
    text: str


@dataclass(frozen=True, slots=True)
class Events:
    """Consecutive events; `first` is the running number of the first one on this page."""

    page: str
    attempt: str | None
    first: int
    events: tuple[Annotated[WireEvent, _event], ...]


@dataclass(frozen=True, slots=True)
class WirePeerEvent:
    """One event of a peer connection; `time_ms` as in `WireEvent`.

    `source` is the handle of the object that it belongs to, such as ``"pc"`` or ``"channel:1"``. `changes` has, by
    handle, the attributes that are new or have changed since the event before.
    """

    time_ms: float
    source: str
    type: str
    payload: Mapping[str, Any]
    changes: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class PeerEvents:
    """Consecutive events of a peer connection; `first` is the running number of the first one on this page."""

    page: str
    peer: str
    first: int
    events: tuple[Annotated[WirePeerEvent, _peer_event], ...]


@dataclass(frozen=True, slots=True)
class Prepare:
    """Requests what the page needs for an offer."""

    page: str
    id: str
    attempt: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """Requests the answer to an offer.

    `preparation` is the version of the `preparation` that the offer was made with, if the page has not waited for the
    reply to `Prepare`.
    """

    page: str
    id: str
    attempt: str
    sdp: str
    preparation: str | None = None


@dataclass(frozen=True, slots=True)
class Renegotiate:
    """Requests the answer to another offer of a call that exists, such as an ICE restart."""

    page: str
    id: str
    attempt: str
    sdp: str


@dataclass(frozen=True, slots=True)
class CreateClientSecret:
    """Requests a short-lived secret, with which the page exchanges its offer itself."""

    page: str
    id: str
    attempt: str


@dataclass(frozen=True, slots=True)
class Exchanged:
    """Reports the server's id of a call that the page made itself; None if the page could not read it."""

    page: str
    attempt: str
    call_id: str | None


@dataclass(frozen=True, slots=True)
class History:
    """Requests the events that this page has not seen, from number `first` up to, and without, `before`.

    `brief` leaves out what the transcript does not need. `without` names the page's own attempts.
    """

    page: str
    id: str
    first: int
    before: int | None
    brief: bool
    without: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExplainSdp:
    """Requests the lines of an offer or an answer with their explanations; see `explained_lines`."""

    page: str
    id: str
    sdp: str


@dataclass(frozen=True, slots=True)
class Audio:
    """About 200 ms of the audio of one side; sent while ``settings["record"]`` is true.

    Attributes
    ----------
    number : int
        The running number of this page's `Audio` and `Stats` messages, acknowledged by `media_ack`.
    track : {"user", "assistant"}
        The audio that was sent, after muting; or the audio that was received.
    rate : int
        The sample rate, in Hz.
    at_ms : float
        The time of its first sample: milliseconds since 1970, by the page's clock, as for events.
    lost : int
        How many samples of this track the page dropped before it.
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
    """A result of ``RTCPeerConnection.getStats()`` (W3C WebRTC Statistics).

    Comes every ``settings["stats_interval"]`` seconds. Numbered together with `Audio`; `time_ms` is by the page's
    clock, as for events.
    """

    page: str
    number: int
    attempt: str
    time_ms: float
    reports: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Sound:
    """Reports that the audio of one side has become audible or silent, as the page measured it.

    Audible means above -54 dBFS; silent means below for 0.5 s. `at_ms` is when the audio began, or when its last sound
    ended: milliseconds since 1970, by the page's clock, as for events. Sent where the server does not report when its
    audio is played; never part of the log.
    """

    page: str
    attempt: str
    speaker: Role
    is_audible: bool
    at_ms: float


@dataclass(frozen=True, slots=True)
class Clip:
    """Requests the samples of a clip that the page plays, from byte `first` on.

    The clip's id comes from a `play_clip` request or from ``settings["microphone"] = {"clip": …}``. The reply holds the
    ``rate``, a part of the samples (as in `Audio`), and the start of the ``next`` part; None after the last.
    """

    page: str
    id: str
    clip: str
    first: int


@dataclass(frozen=True, slots=True)
class UpdateSession:
    """Requests a change of the session's settings, named as in `VoiceChat.update_session`.

    The reply comes when the server has confirmed the change, or is the error.
    """

    page: str
    id: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChangeSettings:
    """Requests a change of the widget's settings that a page offers; the reply comes when they are changed."""

    page: str
    id: str
    text_interrupts: bool


@dataclass(frozen=True, slots=True)
class ExpectCall:
    """Reports that a person is about to call: the pointer or the focus has reached the button."""

    page: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """Reports that an attempt has ended; the kernel hangs it up."""

    page: str
    attempt: str


@dataclass(frozen=True, slots=True)
class Pong:
    """The reply to a ping, with the time by the page's clock (milliseconds since 1970)."""

    page: str
    time_ms: float


@dataclass(frozen=True, slots=True)
class Reply:
    """The page's reply to a request of the kernel: either a result or an error.

    `seq` is that of the last `State` that the page sent before the reply; for a peer connection it is the number of
    events that the page had recorded before.
    """

    page: str
    id: str
    seq: int
    result: Mapping[str, Any] | None
    error: PageError | None

    def __post_init__(self) -> None:
        if (self.result is None) == (self.error is None):
            raise MalformedMessage("a reply must have either a result or an error")


@dataclass(frozen=True, slots=True)
class Bundle:
    """Several messages of one page that have travelled as one, in their order."""

    page: str
    messages: tuple[Mapping[str, Any], ...]


FromPage = (
    Hello
    | Bundle
    | Goodbye
    | State
    | Events
    | PeerEvents
    | Prepare
    | Exchange
    | Renegotiate
    | CreateClientSecret
    | Exchanged
    | History
    | ExplainSdp
    | Audio
    | Stats
    | Sound
    | Clip
    | UpdateSession
    | ChangeSettings
    | ExpectCall
    | HangUp
    | Pong
    | Reply
)
