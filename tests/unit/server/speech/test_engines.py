"""The engines of a server: who has which voice detector."""

from __future__ import annotations

import numpy as np
import pytest

from rtc_widget.server.speech.engines import MAX_SPARE_DETECTORS, Engines
from rtc_widget.server.speech.vad import silero
from tests.unit.server.stage import Recognizer, Speaker


class Detector:
    frame_length = 160

    def __init__(self) -> None:
        self.resets = 0

    def probability(self, frame: np.ndarray) -> float:
        return 0.0

    def reset(self) -> None:
        self.resets += 1


@pytest.fixture
def engines() -> Engines:
    return Engines(Recognizer(), Speaker(), Detector)


async def test_a_call_has_the_detector_of_one_that_has_ended(engines):
    async with engines.voice_detector() as first:
        pass
    assert first.resets == 1
    async with engines.voice_detector() as second:
        assert second is first


async def test_two_calls_at_a_time_have_two_detectors(engines):
    async with engines.voice_detector() as first, engines.voice_detector() as second:
        assert first is not second


async def test_only_some_detectors_are_kept(engines):
    for _ in range(MAX_SPARE_DETECTORS + 1):
        engines.keep_voice_detector(Detector())
    taken = [engines.voice_detector() for _ in range(MAX_SPARE_DETECTORS + 1)]
    detectors = [await one.__aenter__() for one in taken]
    assert [detector.resets for detector in detectors] == [1] * MAX_SPARE_DETECTORS + [0]
    for one in taken:
        await one.__aexit__(None, None, None)


def test_a_detector_that_was_reset_is_as_a_new_one():
    detector, new = silero(), silero()
    loud = np.random.default_rng(0).uniform(-1, 1, (5, detector.frame_length)).astype(np.float32)
    tone = np.sin(np.arange(detector.frame_length) * 0.1).astype(np.float32)
    for frame in loud:
        detector.probability(frame)
    unlike = detector.probability(tone)
    detector.reset()
    assert detector.probability(tone) == new.probability(tone) != unlike
