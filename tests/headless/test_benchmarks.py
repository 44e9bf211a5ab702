"""The benchmarks of calls without a browser, in small."""

from __future__ import annotations

import asyncio
import sys

import numpy as np
import pytest
from benchmarks import headless, voice

from rtc_widget.audio.clip import AudioClip
from tests.e2e.voice_server import VoiceServer, voice_server
from tests.headless.conftest import question
from tests.limits import HANGS
from tests.speech import WAV_RATE


@pytest.fixture(scope="module")
def server():
    with voice_server() as started:
        yield started


@pytest.mark.parametrize("kind", [headless.BareCall, headless.HeadlessCall])
async def test_both_kinds_of_calls_connect_and_end(server: VoiceServer, kind):
    call = kind(server)
    assert await headless._milliseconds(call) > 0
    await asyncio.to_thread(server.wait_for_calls, 0)


async def test_a_call_that_listens_takes_some_processor_time(server: VoiceServer):
    assert 0 < await headless._share([headless.BareCall(server)], 0.5) < 100 * 2


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not say how much memory processes share")
def test_the_memory_of_the_server_is_that_of_all_its_processes(server: VoiceServer):
    whole, itself, engines = (row.median for row in voice.memory(server).rows())
    assert itself > 1
    assert whole == pytest.approx(itself + engines)


@pytest.mark.alone
async def test_the_stages_of_an_answer_are_measured(server: VoiceServer, monkeypatch):
    monkeypatch.setattr(voice, "UNANSWERED_SECONDS", HANGS)
    turn = await voice.answered(server, question())
    assert list(turn.stages) == [*voice.STAGES, voice.AUDIBLE]
    assert 0 < turn.stages["endpoint"] <= turn.stages["synthesis"]
    assert turn.false_endpoints == 0


@pytest.mark.alone
async def test_a_turn_that_ends_inside_a_clip_is_counted(server: VoiceServer, monkeypatch):
    monkeypatch.setattr(voice, "UNANSWERED_SECONDS", HANGS)
    two = AudioClip(np.concatenate([question().pcm, question("What is ICE?").pcm]), WAV_RATE)
    turn = await voice.answered(server, two)
    assert turn.false_endpoints == 1
