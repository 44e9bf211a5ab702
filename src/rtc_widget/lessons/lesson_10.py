"""Exercises of lesson 10, audio quality."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rtc_widget.lessons.exercises import CheckResult, exercise, missing, right

Report = Mapping[str, Any]

_BEFORE: Report = {
    "packetsReceived": 1000,
    "packetsLost": 20,
    "concealedSamples": 9_600,
    "totalSamplesReceived": 960_000,
    "jitterBufferDelay": 100_000.0,
    "jitterBufferEmittedCount": 950_000,
}
_AFTER: Report = {
    "packetsReceived": 1900,
    "packetsLost": 120,
    "concealedSamples": 96_000,
    "totalSamplesReceived": 1_920_000,
    "jitterBufferDelay": 196_000.0,
    "jitterBufferEmittedCount": 1_910_000,
}
_NOTHING = "the function returns nothing yet."
_LOST, _CONCEALED, _MILLISECONDS = 0.1, 0.09, 100.0


@exercise("lost and invented", expects="a function of two inbound-rtp reports that returns two shares")
def lost_and_invented(shares: Callable[[Report, Report], Any]) -> CheckResult:
    """Judge a function that returns the share of lost packets and the share of concealed samples."""
    result = shares(_BEFORE, _AFTER)
    if result is None:
        return missing(_NOTHING)
    lost, concealed = result
    if not _is_near(lost, _LOST):
        if _is_near(lost, 100 / 900):
            return missing("divide by all packets that were sent: those that arrived and those that were lost.")
        if _is_near(lost, 120 / 2020):
            return missing("the counters begin with the call: take the difference of the two reports.")
        return missing(f"of 1000 packets between the two reports 100 were lost, which is 0.1; got {lost!r}.")
    if not _is_near(concealed, _CONCEALED):
        if _is_near(concealed, 0.05):
            return missing("the counters begin with the call: take the difference of the two reports.")
        return missing(f"of 960,000 samples 86,400 were concealed, which is 0.09; got {concealed!r}.")
    return right("with it you can compare what the network lost with what the ear had to invent.")


@exercise("the jitter buffer", expects="a function of two inbound-rtp reports that returns milliseconds")
def jitter_buffer(milliseconds: Callable[[Report, Report], Any]) -> CheckResult:
    """Judge a function that returns the mean time in the jitter buffer."""
    result = milliseconds(_BEFORE, _AFTER)
    if result is None:
        return missing(_NOTHING)
    if _is_near(result, _MILLISECONDS):
        return right("jitterBufferDelay sums up seconds of every sample, so it must be divided by their number.")
    if _is_near(result, _MILLISECONDS / 1000):
        return missing("that is in seconds; the exercise asks for milliseconds.")
    if _is_near(result, 196_000 / 1_910_000 * 1000):
        return missing("the counters begin with the call: take the difference of the two reports.")
    return missing(f"divide the growth of jitterBufferDelay by that of jitterBufferEmittedCount; got {result!r}.")


_SENTENCES = (
    ("What is a jitter buffer?", "what is a jitter buffer", 0.0, "case and punctuation do not count"),
    ("What is a jitter buffer?", "", 1.0, "if nothing was heard, every word is wrong"),
    ("What is a jitter buffer?", "What is a butter?", 0.4, "one word is missing and one is another"),
    ("what is ice", "what was is ice", 1 / 3, "a word too many is wrong, too"),
)


@exercise("wrong words", expects="a function of what was said and what was heard that returns a share")
def wrong_words(share: Callable[[str, str], Any]) -> CheckResult:
    """Judge a function that returns the word error rate."""
    for said, heard, expected, reason in _SENTENCES:
        result = share(said, heard)
        if result is None:
            return missing(_NOTHING)
        if not _is_near(result, expected):
            return missing(f"{reason}: {said!r} heard as {heard!r} must give {expected:.2g}, got {result!r}.")
    return right("this is the word error rate, by which speech recognisers are compared.")


def _is_near(value: Any, expected: float) -> bool:
    return not isinstance(value, bool) and abs(value - expected) < 0.001
