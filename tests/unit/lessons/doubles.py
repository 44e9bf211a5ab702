"""A peer connection as far as exercises look at it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass
class FakeEvent:
    type: str
    payload: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    time: datetime = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class FakePeer:
    signaling_state: str = "stable"
    connection_state: str = "connected"
    local_description: dict[str, str] | None = field(default_factory=lambda: {"type": "offer", "sdp": "v=0\r\n"})
    pairs: list[dict[str, Any]] = field(default_factory=list)
    events: list[FakeEvent] = field(default_factory=list)


def settled(op: str, **error: str) -> FakeEvent:
    return FakeEvent("operation", {"op": op, "phase": "settled"} | ({"error": error} if error else {}))


def signaling(state: str) -> FakeEvent:
    return FakeEvent("signalingstatechange", changes={"pc": {"signaling_state": state}})
