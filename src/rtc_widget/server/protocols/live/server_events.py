"""The server events of the Live protocol, and who gets which."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rtc_widget.server.messages import SendMessage, new_id
from rtc_widget.server.protocols.live.session_config import DataChannelRules

LIVE_FIELDS: dict[str, frozenset[str]] = {
    event: frozenset(fields.split())
    for event, fields in {
        "error": "error",
        "info": "code message",
        "session.started": "session",
        "session.updated": "session",
        "session.input_transcript.delta": "delta start_ms end_ms",
        "session.output_transcript.delta": "delta start_ms end_ms",
        "session.input_audio.muted": "",
        "session.input_audio.unmuted": "",
        "session.instructions.appended": "start_ms end_ms",
        "session.thinking.appended": "start_ms end_ms",
        "session.commentary.appended": "start_ms end_ms",
        "session.delegation.created": "offset_ms delegation",
        "response.event": "delegation_id event",
        "session.usage.updated": "usage context_window",
        "session.paused": "",
        "session.resumed": "",
        "session.closed": "reason session usage",
        "session.input_audio.append": "audio",
        "session.output_audio.delta": "delta start_ms end_ms",
    }.items()
}

SOUND = frozenset({"session.input_audio.append", "session.output_audio.delta"})
"""Events with audio: they have no id, and a data channel never carries them."""

_ALWAYS_ALLOWED = frozenset({"error", "info"})


def live_message(kind: str, /, *, client_event_id: str | None = None, **fields: Any) -> str:
    """Return one event as a message, with a new `event_id`, and the id of the client event that it acknowledges.

    Raises
    ------
    TypeError
        When `fields` are not exactly those of the protocol.
    ValueError
        When JSON has no text for a value.
    """
    if fields.keys() != LIVE_FIELDS[kind]:
        raise TypeError(f"{kind} must have the fields {sorted(LIVE_FIELDS[kind])}, got {sorted(fields)}")
    ids = {} if kind in SOUND else {"event_id": new_id("event")}
    if client_event_id is not None:
        ids["client_event_id"] = client_event_id
    return json.dumps({"type": kind, **ids, **fields}, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class LiveConnection:
    """One connection of a session.

    Attributes
    ----------
    send : callable
        Sends one message.
    has_sound : bool
        Whether it gets the output audio in events: a primary WebSocket and sidebands do.
    has_input : bool
        Whether it also gets the input audio in events: sidebands do.
    rules : DataChannelRules or None
        What a data channel may carry.
    """

    send: SendMessage
    has_sound: bool = False
    has_input: bool = False
    rules: DataChannelRules | None = None

    def may_send(self, kind: str) -> bool:
        """Whether the client may send events of this type over it."""
        allowed = self.rules.allowed_client_events if self.rules else None
        return allowed is None or allowed == "all" or kind in allowed

    def may_get(self, event: str, nested: object) -> bool:
        """Whether the client may get this event over it; `nested` is the type of a `response.event`."""
        allowed = self.rules.allowed_server_events if self.rules else None
        if allowed is None or allowed == "all" or event in _ALWAYS_ALLOWED:
            return True
        return any(one.type == event and one.response_event in (None, nested) for one in allowed)


class LiveEmitter:
    """Sends events to the connections of a session."""

    def __init__(self) -> None:
        self._connections: dict[SendMessage, LiveConnection] = {}

    @property
    def connections(self) -> int:
        """The number of connections."""
        return len(self._connections)

    @property
    def wants_output(self) -> bool:
        """Whether a connection gets output audio in events."""
        return any(one.has_sound for one in self._connections.values())

    @property
    def wants_input(self) -> bool:
        """Whether a connection gets input audio in events."""
        return any(one.has_input for one in self._connections.values())

    def join(self, connection: LiveConnection) -> None:
        """Add a connection."""
        self._connections[connection.send] = connection

    def leave(self, send: SendMessage) -> None:
        """Remove the connection with that `send`."""
        self._connections.pop(send, None)

    def of(self, send: SendMessage) -> LiveConnection | None:
        """Return the connection with that `send`."""
        return self._connections.get(send)

    def emit(self, kind: str, /, *, client_event_id: str | None = None, **fields: Any) -> None:
        """Send one event; see `live_message`."""
        message = live_message(kind, client_event_id=client_event_id, **fields)
        inner = fields.get("event")
        nested = inner.get("type") if isinstance(inner, Mapping) else None
        for connection in list(self._connections.values()):
            if connection.may_get(kind, nested):
                connection.send(message)

    def emit_input(self, audio: str) -> None:
        """Send input audio, as base64, to the sidebands."""
        message = live_message("session.input_audio.append", audio=audio)
        for connection in list(self._connections.values()):
            if connection.has_input:
                connection.send(message)

    def emit_output(self, delta: str, start_ms: int, end_ms: int, *, primary: str) -> None:
        """Send output audio as base64: `delta` in PCM 24 kHz to sidebands, `primary` in the format of a WebSocket."""
        for connection in list(self._connections.values()):
            if connection.has_sound:
                data = delta if connection.has_input else primary
                connection.send(
                    live_message("session.output_audio.delta", delta=data, start_ms=start_ms, end_ms=end_ms)
                )
