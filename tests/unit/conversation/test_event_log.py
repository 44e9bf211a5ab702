from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from rtc_widget import Event, EventLog

BEGAN = datetime(2026, 11, 22, 12, tzinfo=UTC)


def at(seconds, type, direction="received", **fields):
    event = {"type": type, **fields}
    return Event(event, direction=direction, time=BEGAN + timedelta(seconds=seconds), elapsed=float(seconds))


LOG = EventLog(
    [
        at(0, "session.created", session={"audio": {"output": {"voice": "marin"}}}),
        at(1, "response.create", direction="sent"),
        at(2, "response.created", response={"id": "r1"}),
        at(3, "response.output_text.delta", response_id="r1", delta="<b>"),
        at(4, "response.created", response={"id": "r2"}),
        at(5, "response.done", response={"id": "r1", "usage": {"total_tokens": 7}}),
    ]
)


def types(log):
    return [event.type for event in log]


def test_a_log_is_a_sequence_that_grows():
    log = EventLog()
    assert repr(log) == "<EventLog: empty>"
    log.append(LOG[0])
    log.append(LOG[1])
    assert len(log) == 2
    assert log[-1].type == "response.create"
    assert types(log[:1]) == ["session.created"]
    assert isinstance(log[:1], EventLog)
    assert "2 events" in repr(log)
    with pytest.raises(IndexError, match="a log of 2 events"):
        log[2]


def test_a_log_is_searched_by_pattern_and_direction():
    assert len(LOG.of("response.*")) == 5
    assert types(LOG.of("response.*", direction="sent")) == ["response.create"]
    assert LOG.last("response.created").response.id == "r2"
    assert LOG.last("error") is None


def test_a_log_is_cut_by_time():
    assert types(LOG.between(1, 3)) == ["response.create", "response.created"]
    assert types(LOG.between(BEGAN, BEGAN + timedelta(seconds=1))) == ["session.created"]
    with pytest.raises(TypeError, match="two datetimes"):
        LOG.between(BEGAN, 3)


def test_the_events_of_one_response_are_found():
    assert types(LOG.response("r1")) == ["response.created", "response.output_text.delta", "response.done"]


def test_the_oldest_events_go_first_and_are_counted():
    log = EventLog(limit=10)
    for number in range(3_000):
        log.append(at(number, "x", number=number))
    assert len(log) == 10
    assert [event.number for event in log] == list(range(2_990, 3_000))
    assert (log[0].number, log[-1].number) == (2_990, 2_999)
    assert log.dropped == 2_990
    with pytest.raises(ValueError, match="at least 1, got"):
        EventLog(limit=0)


def test_a_part_of_a_log_is_whole_however_many_events_it_was_told_to_keep(tmp_path, monkeypatch):
    monkeypatch.setattr("rtc_widget.conversation.event_log.MAX_EVENTS", 10)
    log = EventLog(limit=1_000)
    for number in range(20):
        log.append(at(number, "x"))
    assert len(log) == len(log[:]) == len(log.of("x")) == len(EventLog.from_json(log.to_json())) == 20
    assert len(EventLog.from_jsonl(log.to_jsonl(tmp_path / "log.jsonl"))) == 20


def test_threads_may_append_and_read_at_once():
    log = EventLog(limit=500)

    def write():
        for number in range(5_000):
            log.append(at(number, "x"))

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert len(log[:]) <= 500
    assert len(log) == 500
    assert log.dropped == 4 * 5_000 - 500


def test_a_table_has_typed_columns_and_a_row_an_event():
    table = LOG.to_pandas()
    assert list(table.columns[:4]) == ["time", "elapsed", "direction", "type"]
    assert len(table) == len(LOG)
    assert str(table["time"].dt.tz) == "UTC"
    assert str(table["direction"].dtype) == "category"
    assert str(table["response.usage.total_tokens"].dtype) == "Int64"
    assert table["session.audio.output.voice"][0] == "marin"
    assert EventLog().to_pandas().empty


def test_a_field_of_an_event_does_not_hide_what_the_log_knows():
    table = EventLog([at(1, "x", time="never")]).to_pandas()
    assert table["raw.time"][0] == "never"
    assert table["time"][0] == BEGAN + timedelta(seconds=1)


def test_a_log_is_written_and_read_again(tmp_path):
    path = LOG.to_jsonl(tmp_path / "log.jsonl")
    twin = EventLog.from_jsonl(path)
    assert [(e.raw, e.time, e.elapsed, e.direction) for e in twin] == [
        (e.raw, e.time, e.elapsed, e.direction) for e in LOG
    ]


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"event": [], "direction": "sent", "time": "x", "elapsed": 0}'])
def test_a_line_that_is_no_event_is_named(tmp_path, line):
    path = LOG[:1].to_jsonl(tmp_path / "log.jsonl")
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(ValueError, match="line 2"):
        EventLog.from_jsonl(path)


def test_a_log_shows_itself_escaped_and_says_what_is_not_shown():
    html = EventLog([LOG[3]] * 100)._repr_html_()
    assert "40 earlier ones not shown" in html
    assert "&lt;b&gt;" in html
