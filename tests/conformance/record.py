"""What the conformance tests have validated; told at the end of the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tests.unit.server.official import validate

EVENTS: Counter[str] = Counter()
"""How often each type of event was validated."""

FLOWS: list[str] = []
"""The flows whose every event was validated."""


def validated(flow: str, events: Iterable[Mapping[str, Any]]) -> None:
    """Validate all `events` of a flow against OpenAI's own models, and count them."""
    events = list(events)
    validate(events)
    ids = [event["event_id"] for event in events]
    assert len(set(ids)) == len(ids), "an event_id was used twice"
    FLOWS.append(flow)
    EVENTS.update(event["type"] for event in events)
