"""The benchmarks of calls without a browser, in small."""

from __future__ import annotations

import asyncio
import sys
from contextlib import nullcontext

import numpy as np
import pytest
from benchmarks import headless, voice
from benchmarks._comparison import Comparison, Skipped

from rtc_widget.audio.clip import AudioClip
from tests.e2e.voice_server import VoiceServer, voice_server
from tests.headless import peer_packages
from tests.headless.conftest import ANSWER, question
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


NO_SERVER = VoiceServer("http://127.0.0.1:9", 0)


def test_pipelines_of_packages_that_are_missing_are_skipped_with_the_reason(monkeypatch):
    monkeypatch.setattr(peer_packages, "has", lambda module: False)
    fastrtc, pipecat = voice._peers(pytest.fail, NO_SERVER, ANSWER, 1)
    assert isinstance(fastrtc, Skipped)
    assert isinstance(pipecat, Skipped)
    assert (fastrtc.title, pipecat.title) == ("FastRTC", "Pipecat")
    assert "not installed" in fastrtc.reason


def test_a_pipeline_that_never_answers_is_named_and_the_others_are_compared(monkeypatch):
    monkeypatch.setattr(peer_packages, "has", lambda module: True)
    monkeypatch.setattr(peer_packages, "running", lambda *_: nullcontext("http://127.0.0.1:9"))
    stages = {"FastRTC": {voice.AUDIBLE: 0.75}, "Pipecat": {}}

    def ask(signaling, clip):
        return voice.AnsweredTurn(stages.get(signaling.name, {voice.AUDIBLE: 0.5}), 0)

    silent, compared = voice._peers(ask, NO_SERVER, ANSWER, 2)
    assert isinstance(silent, Skipped)
    assert silent.title == "Pipecat"
    assert isinstance(compared, Comparison)
    assert {row.alternative: row.ratio for row in compared.rows()} == {"embedded server": 1.0, "FastRTC": 1.5}
    assert "Turns ended inside the question, which are left out: embedded server 0" in compared.note


async def test_a_response_to_a_part_of_the_question_is_left_out(monkeypatch):
    monkeypatch.setattr(voice, "answered_by", early)
    assert await voice.answered_or_lost(None, question()) == voice.AnsweredTurn({}, 1)


async def early(signaling, clip):
    return voice.AnsweredTurn({voice.AUDIBLE: 0.1}, 1)


def test_a_server_of_a_package_that_ends_says_why():
    with pytest.raises(peer_packages.NotRunning, match="No module named"), peer_packages.running("no_such", "pipecat"):
        pass


def test_the_questions_begin_in_every_phase_of_a_chunk():
    first, second, third = (voice.first_sound(clip, after=0.0) for clip in voice.questions_in_phases(3))
    assert second - first == pytest.approx(0.2, abs=0.001)
    assert third - first == pytest.approx(0.4, abs=0.001)


@pytest.mark.alone
@pytest.mark.parametrize("name", voice.PEERS)
async def test_the_pipeline_of_a_package_answers_the_question(name: str):
    pipeline, module, path = voice.PEERS[name]
    if not peer_packages.has(module):
        pytest.skip(f"{name} is not installed: the group `peers`")
    with peer_packages.running("benchmarks._peer_pipelines", pipeline, [ANSWER]) as url:
        signaling = peer_packages.documented(name)(f"{url}/{path}")
        async with asyncio.timeout(HANGS):
            # On a busy machine a call may be lost: Pipecat waits for no ping longer than 3 seconds.
            while voice.AUDIBLE not in (turn := await voice.answered_or_lost(signaling, question())).stages:
                pass
    assert turn.stages[voice.AUDIBLE] > 0
