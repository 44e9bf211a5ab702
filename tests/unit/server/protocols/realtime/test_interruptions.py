"""Responses that are cancelled, interrupted or cleared: the conversation keeps the part that was played."""

from __future__ import annotations

import asyncio

import numpy as np

from rtc_widget.server.responders.responder import RequestedToolCall
from tests.unit.server.stage import SILENCE, SPEECH, Stage


async def test_a_cancelled_response_keeps_what_was_said(stage: Stage) -> None:
    stage.responder.says = ["Opus is a codec. It", "…"]
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
    stage.responder.says = ["…"]
    stage.ask("What is Opus?")
    stage.send("response.cancel")
    done = (await stage.until("response.done"))["response"]

    assert (done["status"], done["output"]) == ("cancelled", [])
    assert stage.types()[4:] == ["response.created", "rate_limits.updated", "response.done"]


async def test_speech_during_an_answer_interrupts_it(stage: Stage) -> None:
    stage.responder.says = ["Opus is a codec. It", "…"]
    stage.ask("What is Opus?")
    await stage.until("response.output_audio_transcript.delta")
    stage.playbacks[0].read(960)
    stage.engine.receive_audio(SPEECH)
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
    stage.responder.says = ["…"]
    stage.recognizer.hears = "What is"
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE]))
    await stage.until("response.created")
    stage.recognizer.hears = "a jitter buffer?"
    stage.responder.says = ["It smooths."]
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE]))
    await stage.until("response.done", count=2)

    assert stage.responder.asked[-1].text == "What is a jitter buffer?"


async def test_the_sound_can_be_cleared(stage: Stage) -> None:
    stage.ask("What is Opus?")
    await stage.until("response.done")
    stage.playbacks[0].read(960)
    stage.send("output_audio_buffer.clear")
    truncated = await stage.until("conversation.item.truncated")

    assert len(stage.playbacks[0].read(960)) == 0
    assert stage.types()[-2] == "output_audio_buffer.cleared"
    assert truncated["audio_end_ms"] == 20


async def test_what_nobody_heard_is_no_part_of_the_history(stage: Stage) -> None:
    stage.ask("What is Opus?")
    await stage.until("response.done")
    stage.playbacks[0].read(4800)
    stage.responder.says = ["Nobody hears this."]
    stage.ask("And what is ICE?")
    await stage.until("response.done", count=2)
    stage.send("output_audio_buffer.clear")
    await stage.until("conversation.item.truncated", count=2)
    stage.ask("Go on.")
    await stage.until("response.done", count=3)

    # 100 of 280 ms are a third of seven words.
    said = [
        item.text for item in stage.responder.asked[-1].conversation.items if getattr(item, "role", "") == "assistant"
    ]
    assert said[:2] == ["Opus is", ""]
    assert not stage.playbacks[2].is_over


async def test_an_answer_that_is_silenced_while_it_is_made_stays_silent(stage: Stage) -> None:
    stage.responder.says = ["Opus is a codec. It", "…"]
    stage.ask("What is Opus?")
    await stage.until("response.output_audio_transcript.delta")
    stage.playbacks[0].read(960)
    stage.send("output_audio_buffer.clear")
    await stage.until("output_audio_buffer.cleared")

    assert "response.done" not in stage.types(), "it is still being made"
    assert len(stage.playbacks[0].read(960)) == 0
    stage.send("response.cancel")
    assert (await stage.until("conversation.item.truncated"))["audio_end_ms"] == 20


async def test_words_after_a_call_are_cut_where_they_were_heard(stage: Stage) -> None:
    stage.responder.says = ["Let me look. ", RequestedToolCall("get_weather", "{}"), "It takes a moment."]
    stage.ask("What is the weather?")
    done = (await stage.until("response.done"))["response"]
    first, _, last = (item["id"] for item in done["output"])
    # "Let me look. " takes 130 ms.
    stage.playbacks[0].read(48 * 150)
    stage.send("output_audio_buffer.clear")
    truncated = await stage.until("conversation.item.truncated")

    assert (truncated["item_id"], truncated["audio_end_ms"]) == (last, 20)
    stage.send("conversation.item.retrieve", item_id=first)
    assert stage.events[-1]["item"]["content"][0]["transcript"] == "Let me look. "


async def test_words_on_both_sides_of_a_call_are_cut_when_hardly_any_was_heard(stage: Stage) -> None:
    stage.responder.says = ["Let me look. ", RequestedToolCall("get_weather", "{}"), "It takes a moment."]
    stage.ask("What is the weather?")
    done = (await stage.until("response.done"))["response"]
    stage.playbacks[0].read(48 * 50)
    stage.send("output_audio_buffer.clear")
    await stage.until("conversation.item.truncated", count=2)

    ends = [(event["item_id"], event["audio_end_ms"]) for event in stage.events[-2:]]
    assert ends == [(done["output"][0]["id"], 50), (done["output"][2]["id"], 0)]


async def test_an_answer_in_events_is_not_cut_by_the_server(stage: Stage) -> None:
    stage = Stage(plays=False)
    stage.ask("What is Opus?")
    await stage.until("response.done")
    stage.engine.receive_audio(SPEECH)
    await asyncio.sleep(0.02)

    assert stage.types()[-1] == "input_audio_buffer.speech_started", "what was played, only the client knows"
    await stage.engine.end()
