"""Recognition and synthesis never delay output audio."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator

import numpy as np
import pytest

from rtc_widget._aiortc.audio import samples_of
from rtc_widget._aiortc.output_track import VoiceTrack, pcm_of
from rtc_widget.server.speech import INPUT_RATE
from rtc_widget.server.speech.engines import Engines, load
from rtc_widget.server.speech.subprocess_engines import EngineProcesses
from rtc_widget.server.speech.worker import set_switch_interval
from tests.speech import WAV_RATE, spoken
from tests.unit.server.waiting import waited

MAX_GAP_SECONDS = 0.04
SENTENCE = "A jitter buffer holds arriving packets for a moment, so that they can be played at an even pace."


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    loaded = load(lambda _: None, EngineProcesses())
    yield loaded
    loaded.close()


@pytest.fixture(autouse=True)
def as_in_the_server() -> Iterator[None]:
    before = sys.getswitchinterval()
    set_switch_interval()
    yield
    sys.setswitchinterval(before)


@pytest.mark.alone
@pytest.mark.speech
async def test_no_frame_is_late_while_engines_work(engines: Engines) -> None:
    question = samples_of(spoken(SENTENCE)[:: WAV_RATE // INPUT_RATE] / 32768)

    async def hear_and_speak() -> None:
        await engines.recognize(question)
        await asyncio.to_thread(pcm_of, await engines.speak(SENTENCE))

    # A machine that does something else may hold up one of three; work that holds the lock holds up every one.
    longest = [(await gaps_during(hear_and_speak, frames=200)).max()]
    while min(longest) >= MAX_GAP_SECONDS and len(longest) < 3:
        longest.append((await gaps_during(hear_and_speak, frames=200)).max())

    assert min(longest) < MAX_GAP_SECONDS, longest


async def test_work_that_holds_the_interpreter_lock_would_be_noticed() -> None:
    async def hold_it() -> None:
        await asyncio.to_thread(lambda: list(range(10_000_000)))

    assert (await gaps_during(hold_it, frames=8)).max() > MAX_GAP_SECONDS


async def gaps_during(work: Callable[[], Awaitable[object]], *, frames: int) -> np.ndarray:
    """Return how far apart frames leave while `work` is done again and again, twice at the same time.

    Without the time for which the loop's thread was ready to run and the system let others go first: on a shared
    machine that is other people's work, and no gap of ours.
    """
    track, loop = VoiceTrack(), asyncio.get_running_loop()

    async def go_on() -> None:
        while True:
            await work()

    working = [asyncio.create_task(go_on()) for _ in range(2)]
    await track.recv()
    left = []
    for _ in range(frames):
        await track.recv()
        left.append((loop.time(), waited()))
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    between, others = np.diff(np.array(left), axis=0).T
    return np.asarray(between - others)
