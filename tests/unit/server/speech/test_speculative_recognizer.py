"""Recognition at the pauses of a turn, and of long turns in parts."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from rtc_widget._aiortc.audio import Samples
from rtc_widget.server.speech import INPUT_RATE
from rtc_widget.server.speech.engines import Engines
from rtc_widget.server.speech.speculative_recognizer import SpeculativeRecognizer
from tests.unit.server.stage import LoudIsSpeech, Speaker


class Recognizer:
    """Hears a number for each second, and a full stop after the seconds of `ends`."""

    name = "counting recognizer"

    def __init__(self, ends: frozenset[int]) -> None:
        self.ends = ends
        self.lengths: list[float] = []
        self.fails = False
        self.may_answer = threading.Event()
        self.may_answer.set()

    def recognize(self, samples: Samples) -> str:
        self.may_answer.wait()
        if self.fails:
            raise RuntimeError("no ears")
        self.lengths.append(len(samples) / INPUT_RATE)
        seconds = [int(second) for second in samples[::INPUT_RATE]]
        return " ".join(f"{second}." if second in self.ends else str(second) for second in seconds)


def speech(seconds: int) -> Samples:
    """Return speech whose samples are the number of their second."""
    return np.repeat(np.arange(1, seconds + 1, dtype=np.float32), INPUT_RATE)


def recognizing(*ends: int) -> tuple[SpeculativeRecognizer, Recognizer]:
    recognizer = Recognizer(frozenset(ends))
    return SpeculativeRecognizer(Engines(recognizer, Speaker(), LoudIsSpeech)), recognizer


async def test_a_turn_that_ends_at_its_pause_is_recognized_once() -> None:
    speculation, recognizer = recognizing(3)
    at_pause = await speculation.recognize(speech(3))
    assert await speculation.result(speech(3)) == at_pause == "1 2 3."
    assert recognizer.lengths == [3]


async def test_a_long_turn_is_recognized_in_parts_that_end_with_sentences() -> None:
    speculation, recognizer = recognizing(6, 12)
    for pause in (6, 12, 14):
        await speculation.recognize(speech(pause))
    text = await speculation.result(speech(15))
    assert text == "1 2 3 4 5 6. 7 8 9 10 11 12. 13 14 15"
    assert recognizer.lengths == [6, 6, 2, 3], "what has been recognized is not recognized again"


async def test_a_pause_within_a_sentence_or_soon_after_the_start_ends_no_part() -> None:
    speculation, recognizer = recognizing(2)
    for pause in (2, 8):
        await speculation.recognize(speech(pause))
    assert await speculation.result(speech(9)) == "1 2. 3 4 5 6 7 8 9"
    assert recognizer.lengths == [2, 8, 9]


async def test_the_task_of_a_pause_has_the_words_of_the_whole_turn() -> None:
    speculation, _ = recognizing(6)
    await speculation.recognize(speech(6))
    assert await speculation.recognize(speech(8)) == "1 2 3 4 5 6. 7 8"


async def test_the_next_turn_knows_nothing_of_the_one_before() -> None:
    speculation, recognizer = recognizing(6)
    await speculation.recognize(speech(6))
    await speculation.recognize(speech(7))
    first = speculation.result(speech(8))
    second = speculation.recognize(speech(7))
    assert (await first, await second) == ("1 2 3 4 5 6. 7 8", "1 2 3 4 5 6. 7")
    speculation.drop()
    assert await speculation.result(speech(7)) == "1 2 3 4 5 6. 7"
    assert recognizer.lengths[-2:] == [7, 7]


async def test_a_recognition_that_is_not_ready_or_fails_at_a_pause_is_made_as_a_whole() -> None:
    speculation, recognizer = recognizing(6)
    recognizer.may_answer.clear()
    running = speculation.recognize(speech(6))
    await asyncio.sleep(0)
    whole = speculation.result(speech(7))
    recognizer.may_answer.set()
    assert await whole == "1 2 3 4 5 6. 7"
    assert running.cancelled()

    recognizer.fails = True
    with pytest.raises(RuntimeError):
        await speculation.recognize(speech(6))
    recognizer.fails = False
    assert await speculation.result(speech(7)) == "1 2 3 4 5 6. 7"
    assert recognizer.lengths[-1] == 7
