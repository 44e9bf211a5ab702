"""The exercises about data channels accept what is right, and name what is wrong."""

from __future__ import annotations

import pytest

from rtc_widget.lessons import check

GOOD = {"chat": "ordered, reliable", "game": "unordered, 150 ms", "file": "unordered, reliable"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"chat": "unordered, once"}, "in the order in which it was written"),
        ({"game": "ordered, reliable"}, "interests nobody"),
        ({"file": "ordered, once"}, "missing part"),
        ({"file": "TCP"}, "got 'TCP' for file"),
    ],
)
def test_a_kind_for_each_app(change, words):
    assert check("a kind for each app", GOOD)
    assert not check("a kind for each app", GOOD | change)
    assert words in check("a kind for each app", GOOD | change).text
    assert check("a kind for each app", {"chat": "ordered, reliable"}).text == "game has no kind yet."


def test_the_worst_kind():
    assert check("the worst kind", "ordered, once")
    assert "either complete or fast" in check("the worst kind", "ordered, reliable").text
    assert "the kinds are" in check("the worst kind", "TCP").text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "set ordered"),
        ({"ordered": True, "max_retransmits": 0}, "set ordered"),
        ({"ordered": False}, "until it arrives"),
        ({"ordered": False, "max_retransmits": 0, "max_packet_life_time": 100}, "not both"),
        ({"ordered": False, "max_retransmits": 20}, "out of date"),
        ({"ordered": False, "max_packet_life_time": 5000}, "out of date"),
        ({"ordered": False, "reliable": False}, "no option 'reliable'"),
    ],
)
def test_the_options_of_a_game(options, words):
    assert check("the options of a game", {"ordered": False, "max_retransmits": 0})
    assert check("the options of a game", {"ordered": False, "max_packet_life_time": 150})
    assert not check("the options of a game", options)
    assert words in check("the options of a game", options).text
