"""The exercises about ICE accept what is right, and name what is wrong."""

from __future__ import annotations

import pytest

from rtc_widget.lessons import check
from tests.unit.lessons.doubles import FakeEvent, FakePeer


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda p: (p >> 23, (p >> 8) & 0xFFFF, 256 - (p & 0xFF)), "type preference"),
        (lambda p: (p >> 24, (p >> 8) & 0xFF, 256 - (p & 0xFF)), "local preference"),
        (lambda p: (p >> 24, (p >> 8) & 0xFFFF, p & 0xFF), "256 minus the component"),
        (lambda p: None, "returns nothing yet"),
        (lambda p: p, "returns three numbers"),
    ],
)
def test_a_priority_apart(function, words):
    assert check("a priority apart", lambda p: [p >> 24, (p >> 8) & 0xFFFF, 256 - (p & 0xFF)])
    assert not check("a priority apart", function)
    assert words in check("a priority apart", function).text


NO_WAY = {("port-restricted", "symmetric"), ("symmetric", "port-restricted"), ("symmetric", "symmetric")}


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (NO_WAY | {("open", "symmetric")}, "open and symmetric find a way"),
        (set(list(NO_WAY)[:2]), "1 of the 16 cells is missing"),
        (set(), "3 of the 16 cells are missing"),
        ({("symmetric", "moon")}, "got 'moon'"),
    ],
)
def test_no_way(pairs, words):
    assert check("no way", NO_WAY)
    assert not check("no way", pairs)
    assert words in check("no way", pairs).text


def test_a_wrong_password():
    assert check("a wrong password", 401)
    assert "got 701" in check("a wrong password", 701).text


def candidate(kind: str, url: str | None) -> FakeEvent:
    text = f"candidate:1 1 udp 25042943 192.0.2.1 40000 typ {kind}"
    return FakeEvent("icecandidate", {"candidate": {"candidate": text}, "url": url})


END = FakeEvent("icecandidate", {"candidate": None, "url": None})


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([], "no candidate yet"),
        ([END], "no candidate yet"),
        ([candidate("host", None), candidate("relay", "turn:x?transport=tcp")], "host, relay"),
        ([candidate("relay", "turn:x?transport=udp"), END], "reached by UDP"),
    ],
)
def test_only_over_tcp(events, words):
    assert check("only over TCP", FakePeer(events=[candidate("relay", "turn:x?transport=tcp"), END]))
    assert not check("only over TCP", FakePeer(events=events))
    assert words in check("only over TCP", FakePeer(events=events)).text


def state(**states: str) -> FakeEvent:
    return FakeEvent("x", changes={"pc": states})


GATHERING, COMPLETE = state(ice_gathering_state="gathering"), state(ice_gathering_state="complete")
CHECKING, CONNECTED = state(ice_connection_state="checking"), state(connection_state="connected")


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([], "is not connected"),
        ([GATHERING], "is not connected"),
        ([GATHERING, CHECKING, COMPLETE], "is not connected"),
        ([GATHERING, COMPLETE, CHECKING, CONNECTED], "were complete before"),
        ([CONNECTED], "were complete before"),
    ],
)
def test_what_trickle_saves(events, words):
    assert check("what trickle saves", FakePeer(events=[GATHERING, CHECKING, COMPLETE, CONNECTED]))
    assert not check("what trickle saves", FakePeer(events=events))
    assert words in check("what trickle saves", FakePeer(events=events)).text
