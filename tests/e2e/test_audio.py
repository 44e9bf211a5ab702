"""Recording, saying clips, statistics and whole sessions in a file, in real JupyterLab with a real call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from rtc_widget import AudioClip, VoiceChat
from tests.e2e.conftest import CURRENT, QUESTION, run_cells
from tests.e2e.lab import NotebookPage, evaluate
from tests.e2e.voice_server import TOKEN
from tests.limits import HANGS
from tests.speech import recognize, speak_wav, word_error_rate


def made(server, *options: str) -> str:
    return f"import rtc_widget\nchat = rtc_widget.VoiceChat({', '.join([server.signaling, *options])})\nchat"


CONNECT = f"await chat.connect(timeout={HANGS})"
ANSWERED = f'await chat.wait_for("output_audio_buffer.stopped", timeout={HANGS})'
ASK = f"""
async with chat.record():
    {CONNECT}
    {ANSWERED}
    await __import__("asyncio").sleep(1)  # the page plays later than the server sends
print(chat.recording)
"""


@pytest.fixture
def talking(opened, silent_browser, server, question_wav, lab, version) -> Callable[..., NotebookPage]:
    """Opens a notebook and runs the cell that makes a call, in which the question is asked aloud."""

    def talk(*cells: str) -> NotebookPage:
        def ready() -> NotebookPage:
            page = opened(silent_browser, made(server), ASK, *cells)
            page.will_say(question_wav)
            return page

        return run_cells(lab, version, ready, 1)

    return talk


def heard(clip: dict) -> str:
    return recognize(np.array(clip["pcm"], np.int16), clip["rate"])


def clip_of(expression: str) -> str:
    """A Python expression that gives a clip as JSON."""
    return f"(lambda c: {{'pcm': c.pcm.tolist(), 'rate': c.sample_rate, 'start': c.start, 'end': c.end}})({expression})"


@pytest.mark.alone
@pytest.mark.parametrize("version", [CURRENT, "7.3.0"])
def test_question_and_answer_are_in_the_recording_on_one_clock(talking, lab, version):
    page = talking()
    assert "Recording:" in page.output(1), page.output(1)
    kernel = lab.kernel_client()
    assert evaluate(kernel, "__import__('ipykernel').__version__").startswith(version)

    user = evaluate(kernel, clip_of("chat.recording.user"))
    assistant = evaluate(kernel, clip_of("chat.recording.assistant"))
    turns = evaluate(kernel, "[(turn.role, turn.text) for turn in chat.transcript]")
    assert word_error_rate(QUESTION, heard(user)) <= 0.2
    assert word_error_rate(turns[1][1], heard(assistant)) <= 0.2
    assert (user["start"], user["end"]) == (assistant["start"], assistant["end"])
    assert evaluate(kernel, "chat.recording.lost") == 0

    # The clock is that of the events: the answer is heard when the server says that it begins.
    event = "next(e.elapsed for e in chat.events if e.type == {!r})"
    begins = evaluate(kernel, event.format("output_audio_buffer.started"))
    stops = evaluate(kernel, event.format("input_audio_buffer.speech_stopped"))
    answer = first_sound(assistant)
    question_end = last_sound(user, before=answer)
    assert 0 < answer - begins < 0.6, "server, network and jitter buffer take their time, and not more"
    # The turn detection waits for a pause after the last word.
    assert 0.2 < stops - question_end < 1.5
    assert question_end < stops < answer


@pytest.mark.alone
def test_a_clip_is_said_without_a_microphone(opened, silent_browser, server, lab, tmp_path):
    wav = speak_wav(tmp_path / "question.wav", QUESTION, lead=0.3, tail=0.2)
    page = opened(
        silent_browser,
        made(server, "microphone='clips'"),
        f"""
async with chat.record():
    {CONNECT}
    said = await chat.say({str(wav)!r}, timeout={HANGS})
    {ANSWERED}
print(said)
""",
        "chat.recording",
        "chat.recording.plot()",
    )
    for _ in range(3):
        page.run_next()
    kernel = lab.kernel_client()
    assert "SpokenInterval(" in page.output(1), page.output(1)
    expect(page.outputs(2).locator("audio")).to_have_count(1)
    expect(page.outputs(3).locator("svg[role=img], img")).to_have_count(1)
    assert page.spy("spy.microphone.length") == 0
    turns = evaluate(kernel, "[(turn.role, turn.text) for turn in chat.transcript]")
    assert word_error_rate(QUESTION, turns[0][1]) <= 0.2
    assert "jitter" in turns[1][1]

    # What was said is in the recording where `say` says that it was.
    start, end = evaluate(kernel, "[said.start, said.end]")
    user = evaluate(kernel, clip_of("chat.recording.user"))
    source = clip_from(wav)
    assert first_sound(user) == pytest.approx(start + first_sound(source), abs=0.1)
    assert last_sound(user) == pytest.approx(start + last_sound(source), abs=0.1)
    assert end - start == pytest.approx(source["end"], abs=0.01)
    # And the server has heard it from there.
    spoken = evaluate(kernel, "next(e.elapsed for e in chat.events if e.type == 'input_audio_buffer.speech_started')")
    assert 0 < spoken - (start + 0.3) < 1.0


@pytest.mark.alone
def test_a_clip_in_place_of_the_microphone_makes_a_call_that_can_be_repeated(
    opened, silent_browser, server, lab, tmp_path
):
    wav = speak_wav(tmp_path / "question.wav", QUESTION, lead=0.3, tail=0.2)
    cell = f"{CONNECT}\n{ANSWERED}\nawait chat.disconnect()"
    page = opened(silent_browser, made(server, f"microphone={str(wav)!r}"), cell, cell)
    page.run_next()
    page.run_next()
    turns = evaluate(lab.kernel_client(), "[(turn.call, turn.role, turn.text) for turn in chat.transcript]")
    assert [(call, role) for call, role, _ in turns] == [(1, "user"), (1, "assistant"), (2, "user"), (2, "assistant")]
    for _, _, text in (turns[0], turns[2]):
        assert word_error_rate(QUESTION, text) <= 0.2
    assert page.spy("spy.microphone.length") == 0


@pytest.mark.alone
def test_a_session_is_saved_and_studied_without_a_call(talking, lab, tmp_path):
    path = tmp_path / "session.zip"
    page = talking(f"await chat.disconnect()\nchat.save({str(path)!r})")
    page.run_next()
    again = VoiceChat.load(path)
    kernel = lab.kernel_client()
    assert [event.raw for event in again.events] == evaluate(kernel, "[event.raw for event in chat.events]")
    turns = evaluate(kernel, "[(turn.role, turn.text) for turn in chat.transcript]")
    assert [[turn.role, turn.text] for turn in again.transcript] == turns
    assert len(again.stats) == evaluate(kernel, "len(chat.stats)")
    answer = again.recording.assistant
    assert word_error_rate(turns[1][1], recognize(answer.samples, answer.sample_rate)) <= 0.2
    assert TOKEN.encode() not in path.read_bytes()


def test_statistics_of_a_real_call_are_plausible(talking, lab):
    talking()
    kernel = lab.kernel_client()
    names = ["elapsed", "received_bitrate", "assistant_level", "user_level"]
    table = evaluate(kernel, f"{{name: [getattr(sample, name) for sample in chat.stats] for name in {names}}}")
    seconds = np.array(table["elapsed"])
    assert len(seconds) >= 4
    assert np.median(np.diff(seconds)) > 0.9
    last, raw = evaluate(kernel, "[(one.to_json(), list(map(dict, one.raw))) for one in [chat.stats.last]][0]")
    # How long a round trip takes is the machine's affair; it must be what the browser has measured, in seconds.
    measured = [report.get(name) for report in raw for name in ("roundTripTime", "currentRoundTripTime")]
    assert last["round_trip_time"] in filter(None, measured)
    assert last["jitter"] in [report.get("jitter") for report in raw if report["type"] == "inbound-rtp"]
    assert last["codec"].startswith("opus 48000")
    assert last["candidate_pair"]["protocol"] == "udp"
    assert last["candidate_pair"]["local_type"] in ("host", "prflx")
    rates = [rate for rate in table["received_bitrate"] if rate]
    assert rates
    assert 1_000 < max(rates) < 600_000
    # The levels are of moments, one a second, which may be between two words; silence is 0.
    assert max(filter(None, table["assistant_level"]), default=0) > 0.002
    assert max(filter(None, table["user_level"]), default=0) > 0.002
    assert {report["type"] for report in raw} >= {"inbound-rtp", "outbound-rtp", "candidate-pair", "codec"}


def clip_from(path: Path) -> dict:
    clip = AudioClip.from_file(path)
    return {"pcm": clip.pcm.tolist(), "rate": clip.sample_rate, "start": 0.0, "end": clip.duration}


def loud(clip: dict, level: float = 0.02) -> np.ndarray:
    """The times at which something is heard, by 10 ms, on the clip's clock."""
    size = clip["rate"] // 100
    pcm = np.array(clip["pcm"], np.float64) / 32768
    frames = pcm[: len(pcm) // size * size].reshape(-1, size)
    return clip["start"] + np.flatnonzero(np.sqrt((frames**2).mean(axis=1)) > level) / 100


def first_sound(clip: dict) -> float:
    return float(loud(clip)[0])


def last_sound(clip: dict, before: float = float("inf")) -> float:
    times = loud(clip)
    return float(times[times < before][-1])
