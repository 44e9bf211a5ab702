"""The states of a page, as messages carry them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

IDLE: Mapping[str, Any] = {
    "status": "idle",
    "connection_state": "new",
    "ice_connection_state": "new",
    "ice_gathering_state": "new",
    "signaling_state": "stable",
    "data_channel_state": "closed",
    "microphone_permission": "prompt",
    "muted": False,
    "listening_only": False,
    "max_message_size": None,
    "error": None,
}
CONNECTING: Mapping[str, Any] = {
    **IDLE,
    "status": "connecting",
    "ice_gathering_state": "gathering",
    "signaling_state": "have-local-offer",
    "data_channel_state": "connecting",
}
CONNECTED: Mapping[str, Any] = {
    **IDLE,
    "status": "connected",
    "connection_state": "connected",
    "ice_connection_state": "completed",
    "ice_gathering_state": "complete",
    "data_channel_state": "open",
    "microphone_permission": "granted",
    "max_message_size": 262_144,
}
CLOSED: Mapping[str, Any] = {
    "connection_state": "closed",
    "ice_connection_state": "closed",
    "signaling_state": "closed",
    "data_channel_state": "closed",
    "max_message_size": None,
}
