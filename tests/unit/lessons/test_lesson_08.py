"""The exercises about states and failures accept what is right, and name what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rtc_widget.lessons import captured, check
from tests.unit.lessons.doubles import FakeEvent


def at(seconds: float, state: str | None = None) -> FakeEvent:
    changes = {"pc": {"connection_state": state}} if state else {}
    return FakeEvent("x", changes=changes, time=datetime.fromtimestamp(1_800_000_000 + seconds, UTC))


def outage(disconnected: float, failed: float) -> list[FakeEvent]:
    return [at(0), at(disconnected, "disconnected"), at(disconnected + 1), at(failed, "failed")]


# On an idle machine, and on one that is slower by far: the events say what is right.
@pytest.mark.parametrize(("disconnected", "failed"), [(6.6, 16.6), (70, 200)])
def test_the_times_of_an_outage_are_judged_by_its_events(disconnected, failed):
    events = outage(disconnected, failed)
    assert check("until disconnected", events, disconnected)
    assert check("until disconnected", events, round(disconnected))
    assert check("until failed", events, failed - disconnected)
    for seconds in (0, -disconnected, failed, 1000 * disconnected, True):
        assert "to the event that says disconnected" in check("until disconnected", events, seconds).text
        assert "between the two events" in check("until failed", events, seconds).text


def test_an_outage_that_was_not_noticed_has_no_times():
    assert "did not say disconnected" in check("until disconnected", [at(0)], 6).text
    assert "and then failed" in check("until failed", outage(6, 16)[:-1], 10).text
    assert not check("until disconnected", [], 6)


def good(state, seconds):
    if state == "closed" or (state == "failed" and seconds > 20):
        return "new call"
    if state == "failed" or (state == "disconnected" and seconds > 3):
        return "restart ICE"
    return "wait"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda state, seconds: "wait", "'wait' for 'disconnected' after 8 s"),
        (lambda state, seconds: "restart ICE", "must be left alone"),
        (lambda state, seconds: "wait" if state != "disconnected" else "restart ICE", "often heals"),
        (lambda state, seconds: "restart" if state == "failed" else good(state, seconds), "got 'restart'"),
        (lambda state, seconds: "restart ICE" if state == "failed" else good(state, seconds), "has not helped"),
        (lambda state, seconds: "restart ICE" if state == "closed" else good(state, seconds), "cannot be restarted"),
        (lambda state, seconds: None, "must return one of"),
        (lambda state: "wait", "takes a function"),
    ],
)
def test_a_reconnect_rule(rule, words):
    assert check("a reconnect rule", good)
    assert not check("a reconnect rule", rule)
    assert words in check("a reconnect rule", rule).text


def test_an_ice_restart():
    before = captured("chromium-offer-audio-data")
    after = before.sdp.replace("a=ice-ufrag:hhQB", "a=ice-ufrag:new1")
    assert check("restart ICE", before, after)
    assert "ufrag is the same" in check("restart ICE", before, before).text
    assert "two connections" in check("restart ICE", before, captured("firefox-offer-audio-data")).text
    assert "two descriptions" in check("restart ICE", "", after).text
