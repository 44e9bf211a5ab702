"""The exercises about a voice turn accept what is right, and name what is wrong."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rtc_widget.lessons import check

PARTS = {"deciding": 0.4, "recognising": 0.1, "responding": 0.2}
STARTED = SimpleNamespace(type="output_audio_buffer.started")
SPEECH = SimpleNamespace(type="input_audio_buffer.speech_started")
CLEAR = SimpleNamespace(type="output_audio_buffer.clear")
TRUNCATED = SimpleNamespace(type="conversation.item.truncated", audio_end_ms=1700)
STOPPED = SimpleNamespace(type="output_audio_buffer.stopped")


def test_the_largest_part():
    assert check("the largest part", PARTS, "deciding").text == "deciding is 57% of the wait."
    assert "14% of the wait" in check("the largest part", PARTS, "recognising").text
    assert "name one of deciding" in check("the largest part", PARTS, "waiting").text
    assert "negative" in check("the largest part", {**PARTS, "deciding": -3}, "responding").text
    # A turn that the server has cut early.
    assert check("the largest part", {**PARTS, "deciding": -0.1}, "responding")


def session(silence: int) -> SimpleNamespace:
    detection = SimpleNamespace(type="server_vad", silence_duration_ms=silence)
    return SimpleNamespace(audio=SimpleNamespace(input=SimpleNamespace(turn_detection=detection)))


# The setting counts: on a busy machine the time may be as long as before, or longer.
@pytest.mark.parametrize("after", [0.11, 0.41, 3.5])
def test_a_shorter_wait(after):
    result = check("a shorter wait", session(200), 0.42, after)
    assert result
    assert result.text == f"the server waits for 200 ms of silence: deciding took 0.42 s and now {after:.2f} s."


@pytest.mark.parametrize(
    ("silence", "after", "words"),
    [(500, 0.11, "lower silence_duration_ms"), (400, 0.3, "lower"), (200, 0.42, "ask again")],
)
def test_a_wait_that_is_not_shorter(silence, after, words):
    assert not check("a shorter wait", session(silence), 0.42, after)
    assert words in check("a shorter wait", session(silence), 0.42, after).text


def test_the_price_of_a_short_silence():
    assert check("the price", 2, 1)
    assert "more turns than" in check("the price", 1, 1).text
    assert "at least one" in check("the price", 2, 0).text


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([], "speak while"),
        ([SPEECH, STARTED, STOPPED], "speak while"),
        ([STARTED, CLEAR, TRUNCATED], "not by speech"),
        ([STARTED, CLEAR, SPEECH, TRUNCATED], "not by speech"),
        ([STARTED, STOPPED, SPEECH, TRUNCATED], "speak while"),
    ],
)
def test_barge_in(events, words):
    assert check("barge-in", [STARTED, SPEECH, TRUNCATED]).text.endswith("first 1.7 s of the response.")
    assert not check("barge-in", events)
    assert words in check("barge-in", events).text


@pytest.mark.parametrize(("prediction", "words"), [(200, "travels back"), (0, "once back"), (800, "once back")])
def test_what_the_network_moves(prediction, words):
    assert check("what the network moves", 400)
    assert not check("what the network moves", prediction)
    assert words in check("what the network moves", prediction).text
