from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime

import pytest

from rtc_widget import Event, EventLog

DONE = {"type": "response.done", "response": {"usage": {"total_tokens": 7}, "output": [{"id": "item_1"}]}}


def test_fields_are_attributes_to_any_depth():
    event = Event(DONE)
    assert event.response.usage.total_tokens == 7
    assert event.response.output[0].id == "item_1"
    assert event["response"]["usage"]["total_tokens"] == 7


def test_a_missing_field_names_those_that_are_there():
    with pytest.raises(AttributeError, match="type, response"):
        _ = Event(DONE).respons


def test_fields_complete_in_the_editor():
    assert "response" in dir(Event(DONE))


def test_events_cannot_be_changed():
    event = Event(DONE)
    with pytest.raises(AttributeError, match="cannot be changed"):
        event.type = "other"
    with pytest.raises(AttributeError, match="cannot be changed"):
        event.response.usage.total_tokens = 8
    with pytest.raises(AttributeError, match="cannot be changed"):
        del event.response


def test_the_raw_dict_is_the_truth():
    raw = {"type": "brand.new", "odd": {"x": None}}
    assert Event(raw).raw is raw
    assert Event(raw).odd.x is None


def test_an_event_knows_when_and_which_way():
    event = Event.from_text('{"type": "response.create"}', direction="sent", time_ms=1_795_286_400_123.0)
    assert event.direction == "sent"
    assert event.time == datetime(2026, 11, 22, 0, 0, 0, 123_000, UTC) or event.time.tzinfo is UTC
    assert event.time.timestamp() == pytest.approx(1_795_286_400.123)
    assert repr(event).startswith("<→ response.create")


@pytest.mark.parametrize("text", ["{", "", "[1, 2]", "7", '"text"', "[" * 100_000])
def test_what_cannot_be_read_is_kept_whole(text):
    event = Event.from_text(text, direction="received", time_ms=0.0)
    assert event.type == "rtc_widget.unreadable"
    assert event.text == text
    assert event.reason


def test_events_survive_copying_and_pickling():
    event = Event(DONE, direction="sent")
    for twin in (copy.deepcopy(event), pickle.loads(pickle.dumps(event))):
        assert (twin.raw, twin.direction, twin.time) == (event.raw, event.direction, event.time)


def test_a_log_is_a_sequence_that_grows():
    log = EventLog()
    assert repr(log) == "<EventLog: empty>"
    for kind in ("session.created", "response.created", "response.done"):
        log.append(Event({"type": kind}))
    assert len(log) == 3
    assert log[-1].type == "response.done"
    assert [event.type for event in log[:2]] == ["session.created", "response.created"]
    assert isinstance(log[:2], EventLog)
    assert "3 events" in repr(log)


def test_a_log_is_searched_by_pattern_and_direction():
    log = EventLog([Event({"type": "response.create"}, direction="sent"), Event({"type": "response.created"})])
    assert len(log.of("response.*")) == 2
    assert [event.type for event in log.of("response.*", direction="sent")] == ["response.create"]
    assert log.last("response.*").type == "response.created"
    assert log.last("error") is None
