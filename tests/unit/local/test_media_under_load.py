"""That hearing and speaking never hold up the sound that goes out."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from rtc_widget.local.outgoing import VoiceTrack, pcm_of
from rtc_widget.local.speech import HEARING_RATE, samples_of
from rtc_widget.local.speech.engines import Engines, load
from rtc_widget.local.speech.priority import switch_often
from tests.speech import WAV_RATE, spoken

LONGEST_GAP = 0.04
SENTENCE = "A jitter buffer holds arriving packets for a moment, so that they can be played at an even pace."


@pytest.fixture(scope="module")
def engines() -> Engines:
    return load(lambda _: None)


@pytest.fixture(autouse=True)
def as_in_the_server() -> Iterator[None]:
    before = sys.getswitchinterval()
    switch_often()
    yield
    sys.setswitchinterval(before)


@pytest.mark.speech
async def test_no_frame_is_late_while_engines_work(engines: Engines) -> None:
    question = samples_of(spoken(SENTENCE)[:: WAV_RATE // HEARING_RATE] / 32768)
    is_busy_with_others = hasattr(os, "getloadavg") and os.getloadavg()[0] > 2 * (os.cpu_count() or 1)

    async def work() -> None:
        while True:
            await engines.recognize(question)
            await asyncio.to_thread(pcm_of, await engines.speak(SENTENCE))

    working = [asyncio.create_task(work()) for _ in range(2)]
    # On a shared machine the system itself may take the processor away for a while: of several tries the best counts.
    # What really holds the media up does so every time.
    late = [await gap_of_99_percent(100) for _ in range(2)]
    while min(late) >= LONGEST_GAP and len(late) < 8:
        late.append(await gap_of_99_percent(100))
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)

    if min(late) >= LONGEST_GAP and is_busy_with_others:
        pytest.skip("other programs keep this machine so busy that lateness says nothing of ours")
    assert min(late) < LONGEST_GAP, late


async def gap_of_99_percent(frames: int) -> float:
    """Return how far apart frames leave, but for the worst of a hundred."""
    track, loop = VoiceTrack(), asyncio.get_running_loop()
    await track.recv()
    left = []
    for _ in range(frames):
        await track.recv()
        left.append(loop.time())
    return float(np.quantile(np.diff(left), 0.99))
