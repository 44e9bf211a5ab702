"""The messages between the page and the kernel; the twin of `js/src/comm/protocol.ts`.

`tests/contract/protocol.json` and `peer.json` hold both together. Messages are plain JSON without buffers (Colab drops
buffers). The messages of the page are decoded here, once, into frozen values. The messages of the kernel are built only
here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from rtc_widget.comm import messages
from rtc_widget.comm.decoding import MalformedMessage, decode_fields, mapping
from rtc_widget.comm.messages import FromPage
from rtc_widget.types import Status

PROTOCOL = 2

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
    "silence_output",
    "peer",
]
Message = dict[str, Any]

STATUSES: tuple[str, ...] = get_args(Status)
CONNECTION_STATES: tuple[str, ...] = get_args(messages.ConnectionState)
ICE_CONNECTION_STATES: tuple[str, ...] = get_args(messages.IceConnectionState)
ICE_GATHERING_STATES: tuple[str, ...] = get_args(messages.IceGatheringState)
SIGNALING_STATES: tuple[str, ...] = get_args(messages.SignalingState)
DATA_CHANNEL_STATES: tuple[str, ...] = get_args(messages.DataChannelState)
MICROPHONE_PERMISSIONS: tuple[str, ...] = get_args(messages.MicrophonePermission)

_KINDS: Mapping[str, type[FromPage]] = {
    "hello": messages.Hello,
    "goodbye": messages.Goodbye,
    "state": messages.State,
    "events": messages.Events,
    "peer_events": messages.PeerEvents,
    "prepare": messages.Prepare,
    "exchange": messages.Exchange,
    "renegotiate": messages.Renegotiate,
    "create_client_secret": messages.CreateClientSecret,
    "exchanged": messages.Exchanged,
    "history": messages.History,
    "explain_sdp": messages.ExplainSdp,
    "audio": messages.Audio,
    "stats": messages.Stats,
    "sound": messages.Sound,
    "clip": messages.Clip,
    "update_session": messages.UpdateSession,
    "change_settings": messages.ChangeSettings,
    "expect_call": messages.ExpectCall,
    "hang_up": messages.HangUp,
    "pong": messages.Pong,
    "bundle": messages.Bundle,
    "reply": messages.Reply,
}


def decode(content: object) -> FromPage:
    """Decode a message of the page.

    Raises
    ------
    MalformedMessage
        If it does not follow this protocol; says which field is wrong.
    """
    message = mapping("a message", content)
    type_name = message.get("type")
    kind = _KINDS.get(type_name) if isinstance(type_name, str) else None
    if kind is None:
        raise MalformedMessage(f"unknown message type {type_name!r}")
    return decode_fields(kind, message)


def welcome(page: str) -> Message:
    """Reply to a `Hello`; also requests the current state of a page that is known already."""
    return {"type": "welcome", "page": page, "protocol": PROTOCOL}


def request(kind: RequestKind, page: str, id: str, **fields: object) -> Message:
    """Request something of the page; it sends a `Reply` of the same id."""
    return {"type": kind, "page": page, "id": id, **fields}


def cancel(page: str, request: str) -> Message:
    """Report that nobody waits for a request any more: the page closes what it has opened for it; it sends no reply."""
    return {"type": "cancel", "page": page, "request": request}


def result(page: str, id: str, value: Mapping[str, object]) -> Message:
    """Reply to a request of the page."""
    return {"type": "reply", "page": page, "id": id, "result": dict(value)}


def failure(page: str, id: str, error: Mapping[str, str]) -> Message:
    """Reply to a request of the page with an error ``{code, message, hint}``."""
    return {"type": "reply", "page": page, "id": id, "error": dict(error)}


def bundle(page: str, messages: Sequence[Message]) -> Message:
    """Send several messages to a page as one, in their order."""
    return {"type": "bundle", "page": page, "messages": list(messages)}


def resend(page: str, first: int) -> Message:
    """Request the events from number `first` on again."""
    return {"type": "resend", "page": page, "first": first}


def ack(page: str, next: int) -> Message:
    """Acknowledge all events before number `next`."""
    return {"type": "ack", "page": page, "next": next}


def listening(page: str, *, on: bool) -> Message:
    """Report whether somebody in Python waits for events or listens to them; else a page may collect them."""
    return {"type": "listening", "page": page, "on": on}


def preparation(page: str, content: Mapping[str, object]) -> Message:
    """Report what an offer needs, as in the reply to `Prepare`, before a call is made.

    A page that makes its offer with it names its ``version`` in `Exchange`.
    """
    return {"type": "preparation", "page": page, "preparation": dict(content)}


def log_grew(page: str, next: int) -> Message:
    """Report that there are events up to number `next`; a page that follows the call may request them."""
    return {"type": "log_grew", "page": page, "next": next}


def media_ack(page: str, next: int, *, missing: bool) -> Message:
    """Acknowledge all `Audio` and `Stats` before number `next`; `missing` requests the rest again.

    A page limits how many it sends ahead of this, so that no hour of audio collects in the queue of a busy kernel.
    """
    return {"type": "media_ack", "page": page, "next": next, "missing": missing}


def ping(page: str) -> Message:
    """Show that the kernel is alive, and request a `Pong`."""
    return {"type": "ping", "page": page}
