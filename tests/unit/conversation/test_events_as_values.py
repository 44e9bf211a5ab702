"""Events and their log as values: compared, kept in sets, copied, pickled."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime

import pytest

from rtc_widget import Event, EventLog

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
RAW = {"type": "response.done", "response": {"id": "r1", "output": [{"id": "i1"}]}}


def event(raw=RAW, *, direction="received", time=NOON, elapsed=1.0):
    return Event(copy.deepcopy(raw), direction=direction, time=time, elapsed=elapsed)


def pickled(value):
    return pickle.loads(pickle.dumps(value))


def test_events_are_equal_that_say_the_same_at_the_same_moment():
    assert event() == event()
    assert hash(event()) == hash(event())
    assert {event(), event()} == {event()}


@pytest.mark.parametrize(
    "other",
    [
        event({**RAW, "response": {"id": "r2"}}),
        event({**RAW, "type": "response.created"}),
        event(direction="sent"),
        event(time=NOON.replace(hour=13)),
        event(elapsed=2.0),
    ],
)
def test_events_differ_that_say_something_else_or_at_another_moment(other):
    assert event() != other
    assert len({event(), other}) == 2


def test_an_event_is_compared_with_a_plain_object_by_its_fields():
    assert event() == RAW
    assert event().response == RAW["response"]
    assert event() != {}
    assert event() != "response.done"


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
def test_a_copy_of_an_event_is_equal(again):
    twin = again(event())
    assert (type(twin), twin) == (Event, event())
    assert again(event().response) == RAW["response"]


def test_an_event_is_found_in_its_log():
    log = EventLog([event(elapsed=0.0), event()])
    assert event() in log
    assert event(elapsed=9.0) not in log
    assert log.index(event()) == 1
    assert log.count(event()) == 1


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
def test_a_copy_of_a_log_is_equal_and_goes_its_own_way(again):
    log = EventLog((event(elapsed=float(number)) for number in range(5)), limit=3)
    twin = again(log)
    assert twin == log
    assert (twin.limit, twin.dropped) == (3, 2)
    twin.append(event(elapsed=9.0))
    assert twin != log
    assert (len(log), log.dropped, twin.dropped) == (3, 2, 3)


def test_logs_are_equal_when_their_events_are():
    assert EventLog([event()]) == EventLog([event()], limit=5)
    assert EventLog() != []
    with pytest.raises(TypeError, match="unhashable"):
        hash(EventLog())


def test_parts_of_a_large_log_lose_nothing():
    log = EventLog([event()] * 100_020, limit=200_000)
    assert len(log.of("response.*")) == len(log[:]) == len(log) == 100_020
