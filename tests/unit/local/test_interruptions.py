"""A response that is cancelled, spoken into or cleared: what was said of it is kept."""

from __future__ import annotations

import numpy as np

from tests.unit.local.stage import SILENCE, SPEECH, Stage


async def test_a_cancelled_response_keeps_what_was_said(stage: Stage) -> None:
    stage.mind.says = ["Opus is a codec. It", "…"]
    stage.ask("What is Opus?")
    await stage.until("response.output_audio_transcript.delta")
    stage.send("response.cancel")
    done = (await stage.until("response.done"))["response"]

    assert (done["status"], done["status_details"]) == (
        "cancelled",
        {"type": "cancelled", "reason": "client_cancelled"},
    )
    assert done["output"][0]["status"] == "incomplete"
    assert done["output"][0]["content"][0]["transcript"] == "Opus is a codec. "


async def test_a_response_can_be_cancelled_before_it_begins(stage: Stage) -> None:
    stage.mind.says = ["…"]
    stage.ask("What is Opus?")
    stage.send("response.cancel")
    done = (await stage.until("response.done"))["response"]

    assert (done["status"], done["output"]) == ("cancelled", [])
    assert stage.types()[4:] == ["response.created", "rate_limits.updated", "response.done"]


async def test_speech_during_an_answer_interrupts_it(stage: Stage) -> None:
    stage.mind.says = ["Opus is a codec. It", "…"]
    stage.ask("What is Opus?")
    await stage.until("response.output_audio_transcript.delta")
    stage.playbacks[0].read(960)
    stage.dialogue.hear(SPEECH)
    await stage.until("conversation.item.truncated")

    tail = [kind for kind in stage.types() if kind in INTERRUPTION]
    assert tail == list(INTERRUPTION)
    assert stage.events[-1]["audio_end_ms"] == 20
    assert (await stage.until("response.done"))["response"]["status_details"]["reason"] == "turn_detected"
    assert len(stage.playbacks[0].read(960)) == 0


INTERRUPTION = (
    "output_audio_buffer.started",
    "input_audio_buffer.speech_started",
    "response.done",
    "output_audio_buffer.cleared",
    "conversation.item.truncated",
)


async def test_a_question_with_a_pause_in_it_is_answered_as_one(stage: Stage) -> None:
    stage.mind.says = ["…"]
    stage.recognizer.hears = "What is"
    stage.dialogue.hear(np.concatenate([SPEECH, SILENCE]))
    await stage.until("response.created")
    stage.recognizer.hears = "a jitter buffer?"
    stage.mind.says = ["It smooths."]
    stage.dialogue.hear(np.concatenate([SPEECH, SILENCE]))
    await stage.until("response.done", count=2)

    assert stage.mind.asked[-1].text == "What is a jitter buffer?"


async def test_the_sound_can_be_cleared(stage: Stage) -> None:
    stage.ask("What is Opus?")
    await stage.until("response.done")
    stage.playbacks[0].read(960)
    stage.send("output_audio_buffer.clear")
    await stage.until("output_audio_buffer.cleared")

    assert len(stage.playbacks[0].read(960)) == 0
    assert "conversation.item.truncated" not in stage.types()
