"""Which events a page gets that loads the history: those that the transcript and a resumed call need."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rtc_widget.conversation.events import Event
from rtc_widget.protocols.realtime.protocol import PROTOCOL


@pytest.mark.parametrize(
    ("direction", "raw", "is_needed"),
    [
        ("sent", {"type": "session.update", "session": {}}, True),
        (
            "sent",
            {
                "type": "conversation.item.create",
                "item": {"type": "function_call_output", "call_id": "c1", "output": "Sunny."},
            },
            True,
        ),
        ("sent", {"type": "conversation.item.create", "item": {"type": "message", "role": "user"}}, False),
        ("sent", {"type": "conversation.item.create", "item": None}, False),
        ("sent", {"type": "response.create"}, False),
        ("received", {"type": "response.done", "response": {}}, True),
        ("received", {"type": "output_audio_buffer.started", "response_id": "r1"}, True),
        ("received", {"type": "response.output_text.delta", "delta": "H"}, False),
    ],
)
def test_a_page_gets_what_it_needs_to_resume_a_call(direction: Any, raw: dict[str, Any], is_needed: bool) -> None:
    event = Event.from_text(json.dumps(raw), direction=direction, time_ms=0.0)
    assert PROTOCOL.is_needed_later(event) is is_needed
