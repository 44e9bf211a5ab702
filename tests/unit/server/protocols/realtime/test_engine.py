"""The protocol without a connection: messages in, events out, with engines without models."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from rtc_widget._aiortc.audio import MonoAudio
from tests.unit.server.stage import SILENCE, SPEECH, Stage


async def test_a_voice_turn_is_told_in_the_order_of_the_protocol(stage: Stage) -> None:
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE]))
    await stage.until("response.done")
    stage.play_out()

    transcription = "conversation.item.input_audio_transcription"
    assert stage.types() == [
        "session.created",
        "conversation.created",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        f"{transcription}.delta",
        f"{transcription}.completed",
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio_transcript.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
        "output_audio_buffer.started",
        "output_audio_buffer.stopped",
    ]
    done = stage.events[-3]["response"]
    assert done["status"] == "completed"
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "Opus is a codec. It is good."}]
    assert stage.responder.asked[0].text == "What is Opus?"


async def test_a_text_turn_is_written_and_not_spoken(stage: Stage) -> None:
    stage.ask("What is Opus?", output_modalities=["text"], metadata={"topic": "codec"})
    done = await stage.until("response.done")

    assert stage.types()[4:] == [
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]
    assert done["response"]["output"][0]["content"] == [{"type": "output_text", "text": "Opus is a codec. It is good."}]
    assert done["response"]["metadata"] == {"topic": "codec"}
    assert stage.playbacks == []


async def test_usage_is_counted(stage: Stage) -> None:
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE]))
    usage = (await stage.until("response.done"))["response"]["usage"]

    # A person's second is 10 tokens, with a fifth of a second of silence kept; the answer's 28 characters last 0.28 s.
    assert usage["input_token_details"]["audio_tokens"] == 12
    assert usage["output_token_details"] == {"text_tokens": 9, "audio_tokens": 6}
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


async def test_items_know_what_came_before_them(stage: Stage) -> None:
    stage.ask("What is Opus?")
    await stage.until("response.done")

    question, answer = (event for event in stage.events if event["type"] == "conversation.item.done")
    assert question["previous_item_id"] is None
    assert answer["previous_item_id"] == question["item"]["id"]


async def test_a_turn_is_recognised_while_its_silence_is_waited_for(stage: Stage) -> None:
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE[: len(SILENCE) // 4]]))
    await stage.recognizes(1)
    stage.engine.receive_audio(SILENCE)
    await stage.until("conversation.item.input_audio_transcription.completed")

    assert stage.recognizer.times == 1


async def test_a_turn_that_goes_on_after_a_pause_is_recognised_as_a_whole(stage: Stage) -> None:
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE[: len(SILENCE) // 4]]))
    await asyncio.sleep(0.05)
    stage.recognizer.hears = "What is Opus for?"
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE]))
    heard = await stage.until("conversation.item.input_audio_transcription.completed")

    assert heard["transcript"] == "What is Opus for?"
    assert heard["usage"]["seconds"] == 2.45


async def test_noise_gets_no_answer(stage: Stage) -> None:
    stage.recognizer.hears = ""
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE]))
    heard = await stage.until("conversation.item.input_audio_transcription.completed")
    await asyncio.sleep(0.05)

    assert heard["transcript"] == ""
    assert "response.created" not in stage.types()


async def test_a_recogniser_that_fails_is_told_of(stage: Stage) -> None:
    stage.recognizer.hears = "!"
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE]))
    failed = await stage.until("conversation.item.input_audio_transcription.failed")

    assert failed["error"]["message"] == "no ears"


async def test_without_transcription_there_is_an_answer_all_the_same() -> None:
    stage = Stage(audio={"input": {"transcription": None}})
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE]))
    await stage.until("response.done")

    assert not [kind for kind in stage.types() if "transcription" in kind]
    await stage.engine.end()


async def test_without_create_response_there_is_no_answer() -> None:
    stage = Stage(audio={"input": {"turn_detection": {"type": "server_vad", "create_response": False}}})
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE]))
    await stage.until("conversation.item.input_audio_transcription.completed")
    await asyncio.sleep(0.05)

    assert "response.created" not in stage.types()
    await stage.engine.end()


async def test_without_turn_detection_nothing_is_heard(stage: Stage) -> None:
    stage.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE]))

    assert stage.types() == ["session.created", "conversation.created", "session.updated"]


async def test_a_session_update_counts_from_then_on(stage: Stage) -> None:
    stage.send("session.update", session={"type": "realtime", "output_modalities": ["text"], "instructions": "Hum."})
    updated = await stage.until("session.updated")
    stage.ask("What is Opus?")
    done = await stage.until("response.done")

    assert updated["session"]["instructions"] == "Hum."
    assert done["response"]["output_modalities"] == ["text"]
    assert stage.responder.asked[0].instructions == "Hum."


async def test_a_mind_that_fails_fails_its_response_only(stage: Stage) -> None:
    stage.responder.says = [ValueError("no idea")]
    stage.ask("What is Opus?")
    failed = (await stage.until("response.done"))["response"]
    stage.responder.says = ["Now I know."]
    stage.ask("And now?")
    done = (await stage.until("response.done", count=2))["response"]

    assert failed["status"] == "failed"
    assert failed["status_details"]["error"]["message"] == "no idea"
    assert done["status"] == "completed"
    assert stage.responder.asked[1].text == "And now?"


async def test_the_voice_can_be_changed_until_there_is_sound(stage: Stage) -> None:
    stage.responder.says = [ValueError("no idea")]
    stage.ask("What is Opus?")
    await stage.until("response.done")
    stage.send("session.update", session={"type": "realtime", "audio": {"output": {"voice": "kore"}}})
    assert stage.types()[-1] == "session.updated", "nothing has been heard of the first voice"

    stage.responder.says = ["Opus is a codec."]
    stage.ask("What is Opus?")
    await stage.until("response.done", count=2)
    stage.send("session.update", session={"type": "realtime", "audio": {"output": {"voice": "heart"}}})
    assert stage.events[-1]["error"]["code"] == "cannot_update_voice"
    stage.play_out()
    stage.ask("In writing, please.", output_modalities=["text"])
    stage.send("session.update", session={"type": "realtime", "audio": {"output": {"voice": "heart"}}})
    assert stage.events[-1]["error"]["code"] == "cannot_update_voice", "it was heard, although it is over"


@pytest.mark.parametrize(
    ("text", "is_told"), [("你好。你好。", True), ("नमस्ते", True), ("🎉", True), ("?!", False), ("Hello.", False)]
)
async def test_text_that_the_voice_has_no_sound_for_is_told_in_the_log(
    stage: Stage, caplog: pytest.LogCaptureFixture, text: str, is_told: bool
) -> None:
    speak = stage.speaker.speak
    silence = MonoAudio(np.zeros(0, np.float32), 24_000)
    stage.speaker.speak = lambda said, **how: speak(said, **how) if said.isascii() else silence
    stage.responder.says = [text]
    stage.ask("Hello?")
    done = await stage.until("response.done")
    assert done["response"]["status"] == "completed"
    assert (caplog.text.count("has no sound for a part of the text") == 1) is is_told
    assert text not in caplog.text
    stage.play_out()
    audio = [event for event in stage.types() if event.startswith("output_audio_buffer.")]
    started = ["output_audio_buffer.started"] if text.isascii() else []
    assert audio == [*started, "output_audio_buffer.stopped"], "clients know that no audio will come"


async def test_the_log_of_a_failure_quotes_nobody(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.responder.says = [ValueError("my secret")]
    stage.ask("What is Opus?")
    failed = (await stage.until("response.done"))["response"]

    assert failed["status_details"]["error"]["message"] == "my secret"
    assert "secret" not in caplog.text
    assert "ValueError < stage.py:" in caplog.text, "what it was and where is told"
