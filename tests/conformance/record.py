"""What the conformance tests have validated; told at the end of the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tests.unit.server.official import validate, validate_live

EVENTS: Counter[str] = Counter()
"""How often each type of event was validated."""

FLOWS: list[str] = []
"""The flows whose every event was validated."""


LIVE_EVENTS: Counter[str] = Counter()
"""How often each type of event of the Live protocol was validated; the nested ones of Responses by their own type."""

LIVE_FLOWS: list[str] = []
"""The Live flows whose every event was validated."""


def live_validated(flow: str, events: Iterable[Mapping[str, Any]]) -> None:
    """Validate all `events` of a Live flow against OpenAI's own models, and count them."""
    events = list(events)
    validate_live(events)
    ids = [event["event_id"] for event in events if "event_id" in event]
    assert len(set(ids)) == len(ids), "an event_id was used twice"
    LIVE_FLOWS.append(flow)
    LIVE_EVENTS.update(event["type"] for event in events)
    LIVE_EVENTS.update(event["event"]["type"] for event in events if event["type"] == "response.event")


def validated(flow: str, events: Iterable[Mapping[str, Any]]) -> None:
    """Validate all `events` of a flow against OpenAI's own models, and count them."""
    events = list(events)
    validate(events)
    ids = [event["event_id"] for event in events]
    assert len(set(ids)) == len(ids), "an event_id was used twice"
    FLOWS.append(flow)
    EVENTS.update(event["type"] for event in events)
