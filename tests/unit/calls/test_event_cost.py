"""What is done for each event: its text and its facts are read once, however many parts follow them."""

from __future__ import annotations

import json

import pytest

from rtc_widget import VoiceChat
from rtc_widget.conversation import events
from rtc_widget.protocols.realtime import facts
from rtc_widget.testing import ScriptedPage

FREQUENT = {"type": "response.function_call_arguments.delta", "response_id": "r1", "item_id": "i1", "delta": "{"}
SPOKEN = {"type": "response.output_audio_transcript.delta", "response_id": "r1", "item_id": "i1", "delta": "Ice"}
USED = {"type": "response.done", "response": {"id": "r1", "status": "completed", "output": [], "usage": {}}}


@pytest.mark.parametrize("event", [FREQUENT, SPOKEN, USED], ids=lambda event: event["type"])
async def test_the_facts_of_an_event_are_read_once(event, monkeypatch):
    page = ScriptedPage()
    chat = VoiceChat(page=page)
    page.connect()
    await page.settled()
    read = []
    of_event = facts.facts

    def counted(one):
        read.append(one.type)
        return of_event(one)

    monkeypatch.setattr(facts, "facts", counted)
    page.receives(event)
    await page.settled()
    assert chat.events[-1].raw == event
    assert read == [event["type"]]
    chat.close()


@pytest.mark.parametrize(
    "text",
    ['{"type": "x"}', ' {"type": "x"}', '{"type": "x"}\n', '{"type": "x"} y', '{"type": "x"', "", "[]", "1", "x"],
)
def test_a_text_is_read_as_the_json_parser_reads_it(text):
    event = events.Event.from_text(text, direction="received", time_ms=0.0)
    try:
        known = json.loads(text)
    except ValueError as error:
        known = {"type": "rtc_widget.unreadable", "text": text, "reason": str(error)}
    if not isinstance(known, dict):
        known = {
            "type": "rtc_widget.unreadable",
            "text": text,
            "reason": f"a JSON {type(known).__name__}, not an object",
        }
    assert event.raw == known


def test_events_of_one_type_share_its_name():
    first, second = (events.Event.from_text(json.dumps(FREQUENT), direction="received", time_ms=0.0) for _ in range(2))
    assert first.type is second.type is second.raw["type"]
