"""Which response is heard, by the measured sound and `realtime_sound.json`; the page's tests assert the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rtc_widget.conversation.event_reader import facts_of
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.sound import MeasuredSound
from rtc_widget.protocols.realtime.measured_audio import MeasuredAudio

CASES = json.loads((Path(__file__).parent / "realtime_sound.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_measured_sound_says_which_response_is_heard(case: dict[str, Any]) -> None:
    reader = MeasuredAudio()
    found: list[Event] = []
    for at, step in case["steps"]:
        time = datetime.fromtimestamp(at, UTC)
        if "type" in step:
            event = Event(step, time=time, elapsed=at)
            found += reader.consume(event, tuple(facts_of(event)))
        else:
            found += reader.take(MeasuredSound("assistant", step["is_audible"], at, time))
    playback = [[event.elapsed, event.type.removeprefix("output_audio_buffer."), event.response_id] for event in found]
    assert playback == case["playback"]
    assert all(event.measured for event in found)
