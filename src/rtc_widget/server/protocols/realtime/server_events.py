"""The server events of the GA protocol.

The table lists their fields. An event with a missing field raises an error here instead of reaching the client.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from rtc_widget.server.messages import SendMessage, new_id

_PART = "response_id item_id output_index content_index"

REQUIRED_FIELDS: dict[str, frozenset[str]] = {
    event: frozenset(fields.split())
    for event, fields in {
        "error": "error",
        "session.created": "session",
        "session.updated": "session",
        "conversation.created": "conversation",
        "input_audio_buffer.speech_started": "audio_start_ms item_id",
        "input_audio_buffer.speech_stopped": "audio_end_ms item_id",
        "input_audio_buffer.committed": "previous_item_id item_id",
        "input_audio_buffer.cleared": "",
        "input_audio_buffer.timeout_triggered": "audio_start_ms audio_end_ms item_id",
        "conversation.item.added": "previous_item_id item",
        "conversation.item.done": "previous_item_id item",
        "conversation.item.retrieved": "item",
        "conversation.item.deleted": "item_id",
        "conversation.item.truncated": "item_id content_index audio_end_ms",
        "conversation.item.input_audio_transcription.delta": "item_id content_index delta",
        "conversation.item.input_audio_transcription.completed": "item_id content_index transcript usage",
        "conversation.item.input_audio_transcription.failed": "item_id content_index error",
        "response.created": "response",
        "response.done": "response",
        "response.output_item.added": "response_id output_index item",
        "response.output_item.done": "response_id output_index item",
        "response.content_part.added": f"{_PART} part",
        "response.content_part.done": f"{_PART} part",
        "response.output_text.delta": f"{_PART} delta",
        "response.output_text.done": f"{_PART} text",
        "response.output_audio_transcript.delta": f"{_PART} delta",
        "response.output_audio_transcript.done": f"{_PART} transcript",
        "response.output_audio.delta": f"{_PART} delta",
        "response.output_audio.done": _PART,
        "response.function_call_arguments.delta": "response_id item_id output_index call_id delta",
        "response.function_call_arguments.done": "response_id item_id output_index call_id name arguments",
        "rate_limits.updated": "rate_limits",
        "output_audio_buffer.started": "response_id",
        "output_audio_buffer.stopped": "response_id",
        "output_audio_buffer.cleared": "response_id",
    }.items()
}


def encoded(event: str, **fields: Any) -> str:
    """Return one event as a message, with a new `event_id`.

    Raises
    ------
    TypeError
        When `fields` are not exactly those of the protocol.
    ValueError
        When JSON has no text for a value.
    """
    if fields.keys() != REQUIRED_FIELDS[event]:
        raise TypeError(f"{event} must have the fields {sorted(REQUIRED_FIELDS[event])}, got {sorted(fields)}")
    return json.dumps({"type": event, "event_id": new_id("event"), **fields}, separators=(",", ":"), allow_nan=False)


class Emitter:
    """Sends events to all clients of a session.

    Parameters
    ----------
    send : callable
        Sends one message to the client that began the session.
    """

    def __init__(self, send: SendMessage) -> None:
        self._clients = [send]

    @property
    def clients(self) -> int:
        """The number of clients."""
        return len(self._clients)

    def join(self, send: SendMessage) -> None:
        """Add a client."""
        self._clients.append(send)

    def leave(self, send: SendMessage) -> None:
        """Remove a client."""
        self._clients.remove(send)

    def emit(self, event: str, **fields: Any) -> None:
        """Send one event; see `encoded`."""
        self.send(encoded(event, **fields))

    def send(self, message: str) -> None:
        """Send one encoded event."""
        for send in list(self._clients):
            send(message)

    def audio_started(self, response_id: str) -> None:
        """Send that playback of the audio of a response has started (WebRTC and SIP only)."""
        self.emit("output_audio_buffer.started", response_id=response_id)

    def audio_stopped(self, response_id: str) -> None:
        """Send that all audio of a response has been played (WebRTC and SIP only)."""
        self.emit("output_audio_buffer.stopped", response_id=response_id)

    def audio_delta(self, data: bytes, place: Mapping[str, Any]) -> None:
        """Send encoded audio of the content part at `place` (WebSocket only)."""
        self.emit("response.output_audio.delta", **place, delta=base64.b64encode(data).decode())
