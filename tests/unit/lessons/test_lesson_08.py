"""The exercises about states and failures accept what is right, and name what is wrong."""

from __future__ import annotations

import pytest

from rtc_widget.lessons import captured, check


@pytest.mark.parametrize("seconds", [0, 0.1, 3.9, 17, -5])
def test_the_first_limit(seconds):
    assert check("until disconnected", 6.6)
    assert not check("until disconnected", seconds)


@pytest.mark.parametrize("seconds", [0, 5, 17, -5])
def test_the_second_limit(seconds):
    assert check("until failed", 10.01)
    assert not check("until failed", seconds)


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
