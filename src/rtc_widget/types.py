"""Literal types of W3C states and message fields that several packages share."""

from __future__ import annotations

from typing import Literal

Status = Literal["idle", "connecting", "connected", "reconnecting", "error"]
"""The state of a widget's call."""
Direction = Literal["sent", "received"]
"""Which way an event went over the data channel, seen from the page."""
DEFAULT_PROTOCOL = "realtime"
"""The wire protocol of an event or a signaling that names none."""
EVENTS_ONLY = "events"
"""The wire protocol of a signaling with ``protocol = None``."""
Track = Literal["user", "assistant"]
"""Whose audio it is."""
Role = Literal["user", "assistant"]
"""Who speaks or writes a turn."""
SdpType = Literal["offer", "pranswer", "answer", "rollback"]
"""What a session description is for (W3C WebRTC, ``RTCSdpType``)."""
