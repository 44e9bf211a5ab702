from __future__ import annotations

import pytest

from rtc_widget.server.speech.turn_detection import MAX_SILENCE_MS, Eagerness, silence_after


@pytest.mark.parametrize("text", ["I would like to", "And then the.", "Well,", "Um", "Because...", "My name is"])
def test_what_breaks_off_is_waited_for(text: str) -> None:
    assert silence_after(text, "auto") == 4000


@pytest.mark.parametrize("text", ["What is Opus?", "I know who she is.", "Stop!", 'He said "no."'])
def test_a_whole_sentence_is_answered_soon(text: str) -> None:
    assert silence_after(text, "auto") == 600


def test_a_phrase_is_in_between() -> None:
    assert silence_after("Opus please", "auto") == 1200


@pytest.mark.parametrize(("eagerness", "longest"), [("low", 8000), ("medium", 4000), ("auto", 4000), ("high", 2000)])
def test_the_longest_waits_are_those_of_openai(eagerness: Eagerness, longest: int) -> None:
    assert silence_after("and", eagerness) == MAX_SILENCE_MS[eagerness] == longest
