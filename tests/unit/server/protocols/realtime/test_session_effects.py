"""Each setting of a session has its effect."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import numpy as np
import pytest

from rtc_widget.server.conversation import MAX_KEPT_SECONDS, Conversation, MessageItem, Part
from rtc_widget.server.speech import INPUT_RATE
from tests.unit.server.stage import SILENCE, SPEECH, Stage

STARTED, STOPPED = "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"


def set_detection(stage: Stage, **detection: Any) -> None:
    stage.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": detection}}})
    assert stage.types()[-1] == "session.updated"


@pytest.mark.parametrize(("threshold", "is_heard"), [(0.85, True), (0.95, False)])
async def test_threshold_is_how_sure_the_detector_must_be(stage: Stage, threshold: float, is_heard: bool) -> None:
    set_detection(stage, type="server_vad", threshold=threshold)
    stage.engine.receive_audio(SPEECH)
    assert (STARTED in stage.types()) is is_heard


@pytest.mark.parametrize(("padding", "start"), [(0, 850), (300, 550), (500, 350)])
async def test_prefix_padding_is_how_much_before_the_speech_belongs_to_it(
    stage: Stage, padding: int, start: int
) -> None:
    set_detection(stage, type="server_vad", prefix_padding_ms=padding)
    stage.engine.receive_audio(np.concatenate([SILENCE, SPEECH]))
    assert (await stage.until(STARTED))["audio_start_ms"] == start


@pytest.mark.parametrize("silence", [300, 900])
async def test_silence_duration_is_how_much_silence_ends_a_turn(stage: Stage, silence: int) -> None:
    set_detection(stage, type="server_vad", silence_duration_ms=silence)
    length = silence * INPUT_RATE // 1000
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE[: length - 160]]))
    assert STOPPED not in stage.types()
    stage.engine.receive_audio(SILENCE[:320])
    assert STOPPED in stage.types()


@pytest.mark.parametrize("kind", ["server_vad", "semantic_vad"])
async def test_without_interrupt_response_an_answer_is_spoken_to_its_end(stage: Stage, kind: str) -> None:
    set_detection(stage, type=kind, interrupt_response=False)
    stage.ask("What is Opus?")
    await stage.until("response.done")
    stage.playbacks[0].read(960)
    stage.engine.receive_audio(SPEECH)
    await asyncio.sleep(0.02)
    assert stage.types()[-1] == STARTED
    stage.play_out()
    assert stage.types()[-1] == "output_audio_buffer.stopped"


@pytest.mark.parametrize(("eagerness", "is_over"), [("low", False), ("medium", False), ("high", True)])
async def test_eagerness_is_how_soon_a_whole_sentence_ends_the_turn(
    stage: Stage, eagerness: str, is_over: bool
) -> None:
    set_detection(stage, type="semantic_vad", eagerness=eagerness)
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE[: INPUT_RATE * 3 // 10]]))
    await stage.recognizes(1)
    stage.engine.receive_audio(SILENCE[: INPUT_RATE // 5])
    assert (STOPPED in stage.types()) is is_over


@pytest.mark.parametrize(("speed", "milliseconds"), [(0.5, 560), (1.0, 280)])
async def test_speed_is_how_fast_is_spoken(stage: Stage, speed: float, milliseconds: int) -> None:
    stage.send("session.update", session={"type": "realtime", "audio": {"output": {"speed": speed}}})
    stage.ask("What is Opus?")
    await stage.until("response.done")
    stage.play_out()
    assert stage.playbacks[0].played_ms == pytest.approx(milliseconds, abs=10)


async def test_tracing_stays_once_it_is_on(stage: Stage) -> None:
    stage.send("session.update", session={"type": "realtime", "tracing": "auto"})
    assert stage.types()[-1] == "session.updated"
    stage.send("session.update", session={"type": "realtime", "tracing": None})
    assert stage.events[-1]["error"]["param"] == "session.tracing"
    assert stage.engine.session.tracing == "auto"


async def test_sound_of_more_than_fifteen_megabytes_is_refused(stage: Stage) -> None:
    stage.send("input_audio_buffer.append", audio=base64.b64encode(bytes(15 * 1024 * 1024 + 2)).decode())
    assert stage.types()[-1] == "error"
    assert stage.events[-1]["error"]["param"] == "audio"


def test_of_older_turns_than_five_minutes_the_words_are_kept() -> None:
    conversation = Conversation()
    minute = np.zeros(1, np.float32)
    for number in range(7):
        conversation.add(MessageItem(f"item_{number}", "user", (Part("input_audio", "words", 60.0, minute),)))

    assert MAX_KEPT_SECONDS == 300.0
    parts = [item.parts[0] for item in conversation.items if isinstance(item, MessageItem)]
    assert [part.samples is not None for part in parts] == [False, False, True, True, True, True, True]
    assert {part.text for part in parts} == {"words"}
