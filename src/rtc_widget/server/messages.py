"""What all protocols share about messages on a data channel or a WebSocket: ids, and decoding."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from rtc_widget.server.errors import ApiError
from rtc_widget.server.strict_json import parse_json

SendMessage = Callable[[str], None]
"""Sends one message to a client."""


def new_id(kind: str) -> str:
    """Return a new id in the format of the API: ``event_…``, ``item_…``, ``resp_…``, ``sess_…``, ``rtc_…``."""
    return f"{kind}_{secrets.token_hex(12)}"


def decoded_event(message: str | bytes) -> dict[str, Any]:
    """Return the JSON object in `message`.

    Raises
    ------
    ApiError
        When it is not a JSON object with a type.
    """
    if isinstance(message, bytes):
        raise ApiError("Events must be text messages, got a binary message.", "invalid_value")
    # The caller checks the depth: its error names the event.
    event = parse_json(message, "The event", is_deep_allowed=True)
    if not isinstance(event, dict):
        raise ApiError("The event must be a JSON object.", "invalid_value")
    if not isinstance(event.get("type"), str):
        raise ApiError("Missing required parameter: 'type'.", "missing_required_parameter", param="type")
    return event
