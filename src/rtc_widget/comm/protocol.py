"""The messages between the page and the kernel; the twin of `js/src/comm/protocol.ts`.

Both are held to `tests/contract/protocol.json`. Messages are plain JSON without buffers (Colab drops buffers). What the
page sends is decoded once, here, into a frozen value; what the kernel sends is built here and nowhere else.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Literal, cast, get_args

from rtc_widget.comm import messages as fields
from rtc_widget.comm.messages import (
    Audio,
    Clip,
    CreateClientSecret,
    Events,
    Exchange,
    Exchanged,
    FromPage,
    Goodbye,
    HangUp,
    Hello,
    History,
    MalformedMessage,
    PageState,
    Pong,
    Prepare,
    Renegotiate,
    Reply,
    State,
    Stats,
    WireEvent,
)
from rtc_widget.types import Status, Track

PROTOCOL = 1
LOWEST_RATE, HIGHEST_RATE = 1000, 768_000
"""Samples a second that sound may have."""

RequestKind = Literal[
    "connect",
    "disconnect",
    "release_call",
    "send",
    "mute",
    "devices",
    "use_device",
    "diagnose",
    "approve",
    "note",
    "talk",
    "play_clip",
    "cancel_clip",
    "flush_audio",
]
Message = dict[str, Any]

STATUSES: tuple[str, ...] = get_args(Status)
TRACKS: tuple[str, ...] = get_args(Track)
CONNECTION_STATES = ("new", "connecting", "connected", "disconnected", "failed", "closed")
ICE_CONNECTION_STATES = ("new", "checking", "connected", "completed", "disconnected", "failed", "closed")
ICE_GATHERING_STATES = ("new", "gathering", "complete")
SIGNALING_STATES = (
    "stable",
    "have-local-offer",
    "have-remote-offer",
    "have-local-pranswer",
    "have-remote-pranswer",
    "closed",
)
DATA_CHANNEL_STATES = ("connecting", "open", "closing", "closed")
MICROPHONE_PERMISSIONS = ("prompt", "granted", "denied", "unavailable")


def decode(content: object) -> FromPage:
    """Decode a message of the page.

    Raises
    ------
    MalformedMessage
        If it is no message of this protocol; says what is wrong with it.
    """
    message = fields.mapping(content, "a message")
    kind = message.get("type")
    page = fields.text(message, "page")
    match kind:
        case "hello":
            return Hello(page, fields.whole(message, "protocol"))
        case "goodbye":
            return Goodbye(page)
        case "state":
            state = _page_state(fields.mapping(message.get("state"), "state"))
            resumes = fields.truth(message, "resumes")
            return State(page, fields.whole(message, "seq"), fields.optional_text(message, "attempt"), resumes, state)
        case "events":
            events = tuple(_wire_event(entry) for entry in fields.entries(message, "events"))
            return Events(page, fields.optional_text(message, "attempt"), fields.whole(message, "first"), events)
        case "prepare":
            return Prepare(page, fields.text(message, "id"), fields.text(message, "attempt"))
        case "exchange":
            return Exchange(
                page, fields.text(message, "id"), fields.text(message, "attempt"), fields.text(message, "sdp")
            )
        case "renegotiate":
            return Renegotiate(
                page, fields.text(message, "id"), fields.text(message, "attempt"), fields.text(message, "sdp")
            )
        case "create_client_secret":
            return CreateClientSecret(page, fields.text(message, "id"), fields.text(message, "attempt"))
        case "exchanged":
            return Exchanged(page, fields.text(message, "attempt"), fields.optional_text(message, "call_id"))
        case "history":
            return _recall(message, page)
        case "audio":
            return _audio(message, page)
        case "stats":
            reports = tuple(fields.mapping(report, "a report") for report in fields.entries(message, "reports"))
            time_ms = fields.number(message, "time_ms")
            return Stats(page, fields.whole(message, "number"), fields.text(message, "attempt"), time_ms, reports)
        case "clip":
            return Clip(page, fields.text(message, "id"), fields.text(message, "clip"), fields.whole(message, "first"))
        case "hang_up":
            return HangUp(page, fields.text(message, "attempt"))
        case "pong":
            return Pong(page, fields.number(message, "time_ms"))
        case "reply":
            return _reply(message, page)
        case _:
            raise MalformedMessage(f"unknown message type {kind!r}")


def welcome(page: str) -> Message:
    """Answer a `Hello`; also asks a page that said hello before for its present state."""
    return {"type": "welcome", "page": page, "protocol": PROTOCOL}


def request(kind: RequestKind, page: str, id: str, **fields: object) -> Message:
    """Ask the page to do something; it answers with a `Reply` of the same id."""
    return {"type": kind, "page": page, "id": id, **fields}


def result(page: str, id: str, value: Mapping[str, object]) -> Message:
    """Answer a request of the page."""
    return {"type": "reply", "page": page, "id": id, "result": dict(value)}


def failure(page: str, id: str, error: Mapping[str, str]) -> Message:
    """Answer a request of the page with an error ``{code, message, hint}``."""
    return {"type": "reply", "page": page, "id": id, "error": dict(error)}


def resend(page: str, first: int) -> Message:
    """Ask for the events from number `first` on once more."""
    return {"type": "resend", "page": page, "first": first}


def ack(page: str, next: int) -> Message:
    """Say that all events before number `next` have arrived."""
    return {"type": "ack", "page": page, "next": next}


def log_grew(page: str, next: int) -> Message:
    """Say that there are events up to number `next`, which a page that follows the call may recall."""
    return {"type": "log_grew", "page": page, "next": next}


def media_ack(page: str, next: int, *, missing: bool) -> Message:
    """Say that all `Audio` and `Stats` before number `next` have arrived; `missing`: a later one has come, send again.

    A page sends only so many ahead of this, so that a busy kernel does not find an hour of sound in its queue.
    """
    return {"type": "media_ack", "page": page, "next": next, "missing": missing}


def ping(page: str) -> Message:
    """Give a sign of life, and ask for one."""
    return {"type": "ping", "page": page}


def _page_state(value: Mapping[str, Any]) -> PageState:
    error = value.get("error")
    return PageState(
        status=cast("Status", fields.one_of(value, "status", STATUSES)),
        connection_state=fields.one_of(value, "connection_state", CONNECTION_STATES),
        ice_connection_state=fields.one_of(value, "ice_connection_state", ICE_CONNECTION_STATES),
        ice_gathering_state=fields.one_of(value, "ice_gathering_state", ICE_GATHERING_STATES),
        signaling_state=fields.one_of(value, "signaling_state", SIGNALING_STATES),
        data_channel_state=fields.one_of(value, "data_channel_state", DATA_CHANNEL_STATES),
        microphone_permission=fields.one_of(value, "microphone_permission", MICROPHONE_PERMISSIONS),
        muted=bool(value.get("muted")),
        receive_only=bool(value.get("receive_only")),
        max_message_size=None if value.get("max_message_size") is None else fields.whole(value, "max_message_size"),
        error=None if error is None else _wire_error(error),
    )


def _wire_event(entry: object) -> WireEvent:
    match entry:
        case [("sent" | "received") as direction, int() | float() as time_ms, str() as text]:
            return WireEvent(direction, float(time_ms), text)
        case _:
            raise MalformedMessage("an event is [direction, milliseconds, text]")


def _recall(message: Mapping[str, Any], page: str) -> History:
    before = None if message.get("before") is None else fields.whole(message, "before")
    without = tuple(attempt for attempt in fields.entries(message, "without") if isinstance(attempt, str))
    return History(
        page,
        fields.text(message, "id"),
        fields.whole(message, "first"),
        before,
        fields.truth(message, "brief"),
        without,
    )


def _audio(message: Mapping[str, Any], page: str) -> Audio:
    try:
        data = base64.b64decode(fields.text(message, "data"), validate=True)
    except binascii.Error as error:
        raise MalformedMessage(f"data must be base64: {error}") from None
    if len(data) % 2:
        raise MalformedMessage("data must be 16-bit samples")
    rate = fields.whole(message, "rate")
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise MalformedMessage(f"rate must lie between {LOWEST_RATE} and {HIGHEST_RATE}")
    return Audio(
        page=page,
        number=fields.whole(message, "number"),
        attempt=fields.text(message, "attempt"),
        track=cast("Track", fields.one_of(message, "track", TRACKS)),
        rate=rate,
        at_ms=fields.number(message, "at_ms"),
        lost=fields.whole(message, "lost"),
        data=data,
    )


def _reply(message: Mapping[str, Any], page: str) -> Reply:
    error, value = message.get("error"), message.get("result")
    if (error is None) == (value is None):
        raise MalformedMessage("a reply has either a result or an error")
    if error is not None:
        return Reply(page, fields.text(message, "id"), fields.whole(message, "seq"), None, _wire_error(error))
    return Reply(page, fields.text(message, "id"), fields.whole(message, "seq"), fields.mapping(value, "result"), None)


def _wire_error(value: object) -> dict[str, str]:
    error = fields.mapping(value, "error")
    return {
        "code": fields.text(error, "code"),
        "message": fields.text(error, "message"),
        "hint": str(error.get("hint") or ""),
    }
