"""The exercises about audio quality accept what is right, and name what is wrong."""

from __future__ import annotations

import re

import pytest

from rtc_widget.lessons import check


def shares(before, after):
    grown = {name: after[name] - before[name] for name in after}
    lost = grown["packetsLost"] / (grown["packetsLost"] + grown["packetsReceived"])
    return lost, grown["concealedSamples"] / grown["totalSamplesReceived"]


def total_shares(before, after):
    return shares(dict.fromkeys(after, 0), after)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda before, after: (100 / 900, 0.09), "those that arrived and those that were lost"),
        (total_shares, "take the difference"),
        (lambda before, after: (shares(before, after)[0], total_shares(before, after)[1]), "take the difference"),
        (lambda before, after: (0.5, 0.09), "got 0.5"),
        (lambda before, after: (0.1, 0.5), "86,400"),
        (lambda before, after: None, "returns nothing yet"),
        (lambda before, after: 0.1, "returns two shares"),
    ],
)
def test_lost_and_invented(function, words):
    assert check("lost and invented", shares)
    assert not check("lost and invented", function)
    assert words in check("lost and invented", function).text


def seconds(before, after):
    grown = after["jitterBufferDelay"] - before["jitterBufferDelay"]
    return grown / (after["jitterBufferEmittedCount"] - before["jitterBufferEmittedCount"])


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (seconds, "in seconds"),
        (lambda before, after: 1000 * seconds(dict.fromkeys(after, 0), after), "take the difference"),
        (lambda before, after: 96_000.0, "got 96000.0"),
        (lambda before, after: None, "returns nothing yet"),
    ],
)
def test_the_jitter_buffer(function, words):
    assert check("the jitter buffer", lambda before, after: 1000 * seconds(before, after))
    assert not check("the jitter buffer", function)
    assert words in check("the jitter buffer", function).text


def wrong(said, heard):
    a, b = (re.findall(r"\w+", text.casefold()) for text in (said, heard))
    row = list(range(len(b) + 1))
    for i, word in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1] / len(a)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda said, heard: float(said != heard), "case and punctuation"),
        (lambda said, heard: 0.0, "every word is wrong"),
        (
            lambda said, heard: 1 - len(set(wrong_words(said)) & set(wrong_words(heard))) / len(wrong_words(said)),
            "a word",
        ),
        (lambda said, heard: None, "returns nothing yet"),
    ],
)
def test_wrong_words(function, words):
    assert check("wrong words", wrong)
    assert not check("wrong words", function)
    assert words in check("wrong words", function).text


def wrong_words(text):
    return re.findall(r"\w+", text.casefold())
