"""What a page says: one frozen value a kind of message, made by `protocol.decode`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from rtc_widget.types import Direction, Status, Track


@dataclass(frozen=True, slots=True)
class PageState:
    """A complete picture of the call as the page sees it; the strings are those of the W3C.

    `max_message_size` is what the data channel carries, in bytes; None while there is none.
    """

    status: Status
    connection_state: str
    ice_connection_state: str
    ice_gathering_state: str
    signaling_state: str
    data_channel_state: str
    microphone_permission: str
    muted: bool
    receive_only: bool
    max_message_size: int | None
    error: Mapping[str, str] | None


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
    events: tuple[WireEvent, ...]


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
    rate: int
    at_ms: float
    lost: int
    data: bytes


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
    error: Mapping[str, str] | None


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


class MalformedMessage(ValueError):
    """The page sent something that this protocol does not know."""


def mapping(value: object, what: str) -> Mapping[str, Any]:
    """Return an object; `what` names it in errors."""
    if not isinstance(value, Mapping):
        raise MalformedMessage(f"{what} must be an object, not {type(value).__name__}")
    return value


def entries(message: Mapping[str, Any], key: str) -> Sequence[object]:
    """Return a list."""
    value = message.get(key)
    if not isinstance(value, list):
        raise MalformedMessage(f"{key} must be a list")
    return value


def text(message: Mapping[str, Any], key: str) -> str:
    """Return a string."""
    value = message.get(key)
    if not isinstance(value, str):
        raise MalformedMessage(f"{key} must be a string")
    return value


def optional_text(message: Mapping[str, Any], key: str) -> str | None:
    """Return a string, or None where there is none."""
    return None if message.get(key) is None else text(message, key)


def whole(message: Mapping[str, Any], key: str) -> int:
    """Return a whole number from zero on."""
    value = message.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise MalformedMessage(f"{key} must be a whole number")
    return value


def number(message: Mapping[str, Any], key: str) -> float:
    """Return a finite number."""
    value = message.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise MalformedMessage(f"{key} must be a number")
    return float(value)


def truth(message: Mapping[str, Any], key: str) -> bool:
    """Return true or false."""
    value = message.get(key)
    if not isinstance(value, bool):
        raise MalformedMessage(f"{key} must be true or false")
    return value


def one_of(message: Mapping[str, Any], key: str, values: Sequence[str]) -> str:
    """Return one of these strings."""
    value = message.get(key)
    if value not in values:
        raise MalformedMessage(f"{key} must be one of {', '.join(values)}; it is {value!r}")
    return cast("str", value)
