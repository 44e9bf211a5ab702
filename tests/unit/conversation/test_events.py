from __future__ import annotations

import copy
import pickle
import tracemalloc
from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from rtc_widget import Event, EventLog
from rtc_widget.protocols.realtime.typed_events import Untyped

DONE = {"type": "response.done", "response": {"usage": {"total_tokens": 7}, "output": [{"id": "item_1"}]}}


def test_fields_are_attributes_to_any_depth():
    event = Event(DONE)
    assert event.response.usage.total_tokens == 7
    assert event.response.output[0].id == "item_1"
    assert event["response"]["usage"]["total_tokens"] == 7


def test_a_missing_field_names_those_that_are_there():
    with pytest.raises(AttributeError, match="Fields: type, response"):
        _ = Event(DONE).respons


def test_fields_complete_in_the_editor():
    assert "response" in dir(Event(DONE))
    assert "total_tokens" in dir(Event(DONE).response.usage)
    assert Event(DONE).response._ipython_key_completions_() == ["usage", "output"]


def test_events_cannot_be_changed():
    event = Event(DONE)
    with pytest.raises(AttributeError, match="is read-only"):
        event.type = "other"
    with pytest.raises(AttributeError, match="is read-only"):
        event.response.usage.total_tokens = 8
    with pytest.raises(AttributeError, match="is read-only"):
        del event.response


def test_the_raw_dict_is_the_truth():
    raw = {"type": "brand.new", "odd": {"x": None}}
    assert Event(raw).raw == raw
    assert Event(raw).odd.x is None


def test_an_event_does_not_change_with_the_dicts_it_came_from_or_gave():
    came = copy.deepcopy(DONE)
    event = Event(came)
    came["response"]["output"][0]["id"] = "another"
    event.raw["response"]["output"].clear()
    event.raw["type"] = "another"
    assert event.raw == DONE
    assert event.type == "response.done"


def test_an_event_is_made_of_any_mapping_and_of_nothing_else():
    assert Event(Event(DONE)).response.output[0].id == "item_1"
    assert Event(MappingProxyType(DONE)).raw == DONE
    with pytest.raises(TypeError, match="mapping"):
        Event("response.done")


def test_a_part_of_an_event_gives_a_copy_too():
    event = Event(DONE)
    event.response.raw["output"].clear()
    assert event.response.raw == DONE["response"]


def test_what_a_log_yields_changes_nothing_in_it():
    log = EventLog([Event(DONE)])
    next(log.to_json())["event"]["type"] = "another"
    assert log[0].type == "response.done"


def test_an_event_may_be_nested_as_deep_as_json_is_read():
    deep = 700
    event = Event.from_text('{"type": "deep", "in": ' + "[" * deep + "]" * deep + "}", direction="received", time_ms=0)
    assert event.type == "deep"
    assert str(event.raw["in"]).count("[") == deep


def test_an_event_knows_when_and_which_way():
    event = Event.from_text('{"type": "response.create"}', direction="sent", time_ms=1_795_286_400_123.0)
    assert event.direction == "sent"
    assert event.time == datetime(2026, 11, 21, 18, 40, 0, 123_000, UTC)
    assert repr(event).startswith("<→ response.create")


@pytest.mark.usefixtures("no_collection")
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


def test_an_event_shows_itself_and_nothing_in_it_can_run():
    shown = Event({"type": "<b>x", "delta": "<img src=x onerror=alert(1)>", "deep": [{"</details><script>": "&"}]})
    html = shown._repr_html_()
    assert "<img" not in html
    assert "<script>" not in html
    assert "<b>x" not in html
    assert "&lt;img" in html


def test_an_event_becomes_the_official_model_when_asked():
    event = Event(
        {"type": "response.output_text.delta", "event_id": "e", "response_id": "r", "item_id": "i"}
        | {"output_index": 0, "content_index": 0, "delta": "Hi"}
    )
    assert type(event.typed).__name__ == "ResponseTextDeltaEvent"
    assert event.typed.delta == "Hi"
    sent = Event({"type": "response.cancel"}, direction="sent")
    assert type(sent.typed).__name__ == "ResponseCancelEvent"


def test_what_has_no_model_or_does_not_fit_it_says_why():
    unknown = Event({"type": "response.brand_new"}).typed
    assert isinstance(unknown, Untyped)
    assert "brand_new" in unknown.reason
    odd = Event({"type": "response.output_text.delta", "delta": 7}).typed
    assert isinstance(odd, Untyped)
    assert "does not fit ResponseTextDeltaEvent" in odd.reason
    assert odd.raw["delta"] == 7


def test_a_typical_event_takes_less_than_a_kilobyte():
    text = (
        '{"type":"response.output_audio_transcript.delta","event_id":"event_CzU1yLp%07d","response_id":"resp_CzU1yK3hJq",'
        '"item_id":"item_CzU1yXcW9f","output_index":0,"content_index":0,"delta":" jitter"}'
    )
    many = 5_000
    tracemalloc.start()
    try:
        log = EventLog()
        for number in range(many):
            log.append(Event.from_text(text % number, direction="received", time_ms=1e12 + number))
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert used / many <= 1024
