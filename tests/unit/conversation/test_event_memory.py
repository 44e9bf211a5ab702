"""The memory of events, which a log keeps by the hundred thousand."""

from __future__ import annotations

import json
import tracemalloc

from rtc_widget.conversation.event_log import EventLog
from rtc_widget.conversation.events import Event

COUNT = 5_000


def texts(count: int) -> list[str]:
    return [
        json.dumps(
            {
                "type": "response.output_audio_transcript.delta",
                "event_id": f"event_{number:020}",
                "response_id": f"resp_{number // 40:020}",
                "item_id": f"item_{number // 40:020}",
                "output_index": 0,
                "content_index": 0,
                "delta": " buffer",
            }
        )
        for number in range(count)
    ]


def bytes_of_log(count: int) -> int:
    messages = texts(count)
    tracemalloc.start()
    try:
        log = EventLog()
        for number, message in enumerate(messages):
            log.append(Event.from_text(message, direction="received", time_ms=1.7e12 + number, elapsed=number / 1000))
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_a_typical_event_takes_less_than_a_kilobyte() -> None:
    few, many = bytes_of_log(COUNT), bytes_of_log(4 * COUNT)
    assert few / COUNT < 1_000
    assert many / few < 4.4, "memory grows with the number of events"
