"""Measures the time from the end of speech to the audible response, stage by stage, and turns that end too early.

A call without a browser plays spoken questions to the embedded server and records what comes back. Times count from the
last sound of the question to the moment when Python has the event of each stage, and to the first sound of the
response. The measuring call runs on the same machine as the server, so it takes a part of what it measures.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, cycle
from pathlib import Path
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]
from tests.e2e.voice_server import TOKEN, VoiceServer, voice_server
from tests.headless import peer_packages
from tests.limits import HANGS
from tests.speech import WAV_RATE, spoken

from benchmarks._comparison import Comparison, Growth, Result, Results, Skipped, interleaved
from rtc_widget import OpenAI, VoiceChat
from rtc_widget.audio.clip import AudioClip
from rtc_widget.errors import CallError, ClipInterrupted, NotConnected
from rtc_widget.server.speech import moonshine, whisper

QUESTION = "What is a jitter buffer?"
PAUSED = (("What is", "a jitter buffer?"), ("Tell me about", "session descriptions", "please."))
PAUSE_SECONDS = 0.35
ROUNDS, QUICK_ROUNDS = 7, 1
CALLS, QUICK_CALLS = (1, 2, 3, 4, 6), (1, 3)
HUMAN_CLIPS = Path("/usr/share/pocketsphinx/test/data")
"""Where Debian's package pocketsphinx-testdata puts recordings of people who speak."""

PEERS: Mapping[str, tuple[str, str, str]] = {
    "FastRTC": ("fastrtc", "fastrtc", "webrtc/offer"),
    "Pipecat": ("pipecat", "pipecat.transports.smallwebrtc.request_handler", "api/offer"),
}
"""By the name of the signaling: the name of the pipeline, the module that is needed, the path for offers."""

PEERS_NOTE = (
    "The same recognizer, voice, question and response; turn detection by the defaults of each: 0.5 s of silence; "
    "FastRTC: a chunk of 0.6 s with less than 0.1 s of speech; Pipecat: 0.2 s of silence, then Smart Turn 3.2."
)
CHUNK_SECONDS = 0.6
"""FastRTC listens in chunks of this length, so the phase of the question decides how long it waits."""

LEAD_SECONDS = 0.5
UNANSWERED_SECONDS = 30.0
"""What has not been answered by then, never is."""

SILENT_BELOW = 0.02
"""Of the largest sample: what follows the last louder one is silence."""

STAGES: Mapping[str, str] = {
    "endpoint": "input_audio_buffer.speech_stopped",
    "recognition": "conversation.item.input_audio_transcription.completed",
    "first words": "response.output_audio_transcript.delta",
    "synthesis": "output_audio_buffer.started",
}
AUDIBLE = "audible"
SETTINGS: Mapping[str, dict[str, Any]] = {
    "default": {},
    "200 ms of silence": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 200}},
    "semantic": {"turn_detection": {"type": "semantic_vad"}},
}


@dataclass(frozen=True, slots=True)
class AnsweredTurn:
    """When each stage was reached, in seconds after the end of speech, and how often the turn was ended before."""

    stages: Mapping[str, float]
    false_endpoints: int


Ask = Callable[[AudioClip, Mapping[str, Any]], AnsweredTurn]
"""Asks in one call with these session settings."""


def run(quick: bool) -> Results:
    """Measure each recognizer, load, simultaneous calls, and false endpoints."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    question = AudioClip(spoken(QUESTION, lead=LEAD_SECONDS, tail=0.0), WAV_RATE)
    with asyncio.Runner() as runner, voice_server() as server:
        ask = partial(runner.run)
        yield from _recognizers(lambda at: ask(answered(at, question)), server, rounds)
        yield memory(server)
        yield from _under_load(lambda: ask(answered(server, question)), rounds)
        counts = QUICK_CALLS if quick else CALLS
        yield _simultaneous(lambda count: ask(answered_at_once(server, question, count)), counts, rounds)
        clips = {"synthetic, with pauses": paused_questions()} | human_clips()
        if not human_clips():
            yield Skipped("human clips", "Debian's package pocketsphinx-testdata is not installed")
        for speaker, spoken_clips in clips.items():
            chosen = spoken_clips[:1] if quick else spoken_clips
            yield from _false_endpoints(lambda clip, settings: ask(answered(server, clip, **settings)), speaker, chosen)
        yield from _peers(
            lambda signaling, clip: ask(answered_or_lost(signaling, clip)), server, ask(reply(server)), rounds
        )


async def answered(server: VoiceServer, question: AudioClip, **session: Any) -> AnsweredTurn:
    """Call the server, play a question, and return when the response reached each stage."""
    return await answered_by(_signaling(server), question, **session)


async def answered_by(signaling: Any, question: AudioClip, **session: Any) -> AnsweredTurn:
    """Do the same with any server; without a protocol, only the sound of its response is noticed."""
    chat = VoiceChat(signaling, page="headless", microphone="clips", **session)
    try:
        recorder = chat.record()
        await chat.connect(timeout=HANGS)
        said = await chat.say(question, timeout=HANGS)
        end = said.start + end_of_speech(question)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(UNANSWERED_SECONDS):
                while first_sound(recorder.recording.assistant, after=end) is None:
                    await asyncio.sleep(0.1)
        recording = await recorder.finish()
        reached = {stage: _first_after(chat, type, end) for stage, type in STAGES.items()}
        reached[AUDIBLE] = first_sound(recording.assistant, after=end)
        stages = {stage: at - end for stage, at in reached.items() if at is not None}
        stopped = sum(event.elapsed < end for event in chat.events.of(STAGES["endpoint"]))
        early = first_sound(recording.assistant, after=said.start)
        return AnsweredTurn(stages, max(stopped, early is not None and early < end))
    finally:
        await chat.disconnect(timeout=HANGS)
        chat.close()


async def answered_or_lost(signaling: Any, question: AudioClip) -> AnsweredTurn:
    """Do the same; a call that is lost meanwhile was not answered, nor was a question that was answered too early."""
    try:
        turn = await answered_by(signaling, question)
    except (CallError, ClipInterrupted, NotConnected):
        return AnsweredTurn({}, 0)
    return AnsweredTurn({}, turn.false_endpoints) if turn.false_endpoints else turn


async def reply(server: VoiceServer) -> str:
    """Return what the server says to the question."""
    chat = VoiceChat(_signaling(server), page="headless", microphone="clips")
    try:
        await chat.connect(timeout=HANGS)
        return (await chat.ask(QUESTION, until_spoken=False, timeout=HANGS)).text
    finally:
        await chat.disconnect(timeout=HANGS)
        chat.close()


async def answered_at_once(server: VoiceServer, question: AudioClip, count: int) -> list[AnsweredTurn]:
    """Ask in so many calls at the same time."""
    return await asyncio.gather(*(answered(server, question) for _ in range(count)))


def memory(server: VoiceServer) -> Result:
    """Return the memory of the server's processes, where each shared page counts in parts (PSS)."""
    title = "memory of the server after its first calls"
    own = psutil.Process(server.pid)
    if not hasattr(own.memory_full_info(), "pss"):
        return Skipped(title, "this system does not say how much memory processes share")
    itself = own.memory_full_info().pss / 1e6
    engines = sum(child.memory_full_info().pss for child in own.children(recursive=True)) / 1e6
    samples = {"all processes": [itself + engines], "server": [itself], "processes of its engines": [engines]}
    return Comparison(title, "MB", "all processes", samples)


def end_of_speech(clip: AudioClip) -> float:
    """Return the time of the last sound in a clip, in seconds."""
    samples = np.abs(clip.samples)
    loud = np.flatnonzero(samples > SILENT_BELOW * samples.max())
    return float(loud[-1] + 1) / clip.sample_rate


def first_sound(clip: AudioClip, *, after: float) -> float | None:
    """Return the time of the first sound after `after`, on the clip's time base."""
    if clip.end <= after:
        return None
    samples = np.abs(clip.between(after).samples)
    loud = np.flatnonzero(samples > SILENT_BELOW)
    return max(after, clip.start) + float(loud[0]) / clip.sample_rate if len(loud) else None


def questions_in_phases(count: int) -> list[AudioClip]:
    """Return the question after leads that divide `CHUNK_SECONDS`."""
    leads = [LEAD_SECONDS + CHUNK_SECONDS * number / count for number in range(count)]
    return [AudioClip(spoken(QUESTION, lead=lead, tail=0.0), WAV_RATE) for lead in leads]


def paused_questions() -> list[AudioClip]:
    """Return spoken questions with pauses inside."""
    clips = []
    for parts in PAUSED:
        pieces = [
            spoken(part, lead=PAUSE_SECONDS if number else LEAD_SECONDS, tail=0.0) for number, part in enumerate(parts)
        ]
        clips.append(AudioClip(np.concatenate(pieces), WAV_RATE))
    return clips


def human_clips() -> dict[str, list[AudioClip]]:
    """Return the recordings of people that are installed, by speaker."""
    found = {}
    for speaker in ("cards", "librivox"):
        if paths := sorted((HUMAN_CLIPS / speaker).glob("*.wav")):
            found[f"human, {speaker}"] = [AudioClip.from_file(path) for path in paths]
    return found


def _recognizers(ask: Callable[[VoiceServer], AnsweredTurn], default: VoiceServer, rounds: int) -> Results:
    names = [module.__name__.rpartition(".")[2] for module in (moonshine, whisper) if module.is_available()]
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(voice_server(options=["--recognizer", name])) for name in names[1:]}
        ways = {name: partial(ask, server) for name, server in {names[0]: default, **servers}.items()}
        turns = interleaved(ways, rounds)
    for name, found in turns.items():
        yield _stages(f"end of speech to each stage, at rest, {name}", found)
    yield _compared("end of speech to audible response, at rest", AUDIBLE, names[0], turns)


def _under_load(ask: Callable[[], AnsweredTurn], rounds: int) -> Results:
    def busy() -> AnsweredTurn:
        with busy_processors():
            return ask()

    turns = interleaved({"at rest": ask, "every processor busy": busy}, rounds)
    yield _stages("end of speech to each stage, every processor busy", turns["every processor busy"])
    yield _compared("end of speech to audible response, under load", AUDIBLE, "at rest", turns)


def _simultaneous(ask: Callable[[int], Sequence[AnsweredTurn]], counts: Sequence[int], rounds: int) -> Growth:
    found = interleaved({str(count): partial(ask, count) for count in counts}, rounds, warm_up=0)
    turns = {int(count): list(chain.from_iterable(groups)) for count, groups in found.items()}
    samples = {count: values for count, answers in turns.items() if (values := _times(AUDIBLE, answers))}
    note = "All calls ask in the same moment."
    return Growth("end of speech to audible response", "s", "simultaneous calls", {"default engines": samples}, note)


def _false_endpoints(ask: Ask, speaker: str, clips: Sequence[AudioClip]) -> Results:
    turns: dict[str, list[AnsweredTurn]] = {name: [] for name in SETTINGS}
    for clip in clips:
        ways = {name: partial(ask, clip, settings) for name, settings in SETTINGS.items()}
        for name, [turn] in interleaved(ways, 1, warm_up=0).items():
            turns[name].append(turn)
    yield _compared(f"end of speech to endpoint, {speaker}", "endpoint", "default", turns)
    false = {name: [float(turn.false_endpoints) for turn in found] for name, found in turns.items()}
    note = "; ".join(f"{name}: {sum(values):.0f} in {len(values)} clips" for name, values in false.items())
    yield Comparison(f"turns ended inside a clip, {speaker}", "per clip", "default", false, note)


def _peers(ask: Callable[[Any, AudioClip], AnsweredTurn], server: VoiceServer, response: str, rounds: int) -> Results:
    title = "end of speech to audible response, beside other packages"
    questions = questions_in_phases(rounds)
    ways = {"embedded server": _asked(ask, _signaling(server), questions)}
    with contextlib.ExitStack() as stack:
        for name, (pipeline, module, path) in PEERS.items():
            if not peer_packages.has(module):
                yield Skipped(name, "it is not installed: the group `peers`, which scripts/bench installs for `voice`")
                continue
            program = peer_packages.running("benchmarks._peer_pipelines", pipeline, [response])
            try:
                url = stack.enter_context(program)
            except peer_packages.NotRunning as reason:
                yield Skipped(name, f"its pipeline does not run: {reason}")
                continue
            ways[name] = _asked(ask, peer_packages.documented(name)(f"{url}/{path}"), questions)
        turns = interleaved(ways, rounds) if len(ways) > 1 else {}
    for name in [name for name, found in turns.items() if not _times(AUDIBLE, found)]:
        yield Skipped(name, f"nothing was answered within {UNANSWERED_SECONDS:.0f} s")
    if turns:
        early = {name: sum(turn.false_endpoints for turn in found) for name, found in turns.items()}
        counts = ", ".join(f"{name} {count}" for name, count in early.items())
        note = f"{PEERS_NOTE} Turns ended inside the question, which are left out: {counts}."
        yield _compared(title, AUDIBLE, "embedded server", turns, note)


def _asked(
    ask: Callable[[Any, AudioClip], AnsweredTurn], signaling: Any, questions: Sequence[AudioClip]
) -> Callable[[], AnsweredTurn]:
    later = cycle(questions)
    return lambda: ask(signaling, next(later))


def _signaling(server: VoiceServer) -> OpenAI:
    return OpenAI(TOKEN, base_url=f"{server.url}/v1")


def _stages(title: str, turns: Sequence[AnsweredTurn]) -> Result:
    samples = {stage: _times(stage, turns) for stage in (*STAGES, AUDIBLE)}
    return _of_measured(title, AUDIBLE, samples)


def _compared(
    title: str, stage: str, reference: str, turns: Mapping[str, Sequence[AnsweredTurn]], note: str = ""
) -> Result:
    return _of_measured(title, reference, {name: _times(stage, found) for name, found in turns.items()}, note)


def _of_measured(title: str, reference: str, samples: Mapping[str, Sequence[float]], note: str = "") -> Result:
    measured = {name: values for name, values in samples.items() if values}
    if reference not in measured:
        return Skipped(title, f"nothing was answered within {UNANSWERED_SECONDS:.0f} s: {reference}")
    return Comparison(title, "s", reference, measured, note)


def _times(stage: str, turns: Iterable[AnsweredTurn]) -> list[float]:
    return [turn.stages[stage] for turn in turns if stage in turn.stages]


def _first_after(chat: VoiceChat, type: str, time: float) -> float | None:
    return next((event.elapsed for event in chat.events.of(type) if event.elapsed >= time), None)


@contextmanager
def busy_processors() -> Iterator[None]:
    """Keep every processor busy."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
