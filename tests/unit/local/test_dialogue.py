"""The protocol without a connection: messages in, events out, with engines that need no models."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

import numpy as np
import pytest

from tests.unit.local.official import validate
from tests.unit.local.stage import SILENCE, SPEECH, Stage


@pytest.fixture
async def stage() -> AsyncGenerator[Stage, None]:
    made = Stage()
    yield made
    await made.dialogue.end()
    # Whatever a test was about: everything it saw is what OpenAI's own client expects.
    validate(made.events)


async def test_a_voice_turn_is_told_in_the_order_of_the_protocol(stage: Stage) -> None:
    stage.dialogue.hear(np.concatenate([SPEECH, SILENCE]))
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
    assert stage.mind.asked[0].text == "What is Opus?"


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
    stage.dialogue.hear(np.concatenate([SPEECH, SILENCE]))
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
    stage.dialogue.hear(np.concatenate([SPEECH, SILENCE[: len(SILENCE) // 4]]))
    await asyncio.sleep(0.05)
    assert stage.recognizer.times == 1
    stage.dialogue.hear(SILENCE)
    await stage.until("conversation.item.input_audio_transcription.completed")

    assert stage.recognizer.times == 1


async def test_a_turn_that_goes_on_after_a_pause_is_recognised_as_a_whole(stage: Stage) -> None:
    stage.dialogue.hear(np.concatenate([SPEECH, SILENCE[: len(SILENCE) // 4]]))
    await asyncio.sleep(0.05)
    stage.recognizer.hears = "What is Opus for?"
    stage.dialogue.hear(np.concatenate([SPEECH, SILENCE]))
    heard = await stage.until("conversation.item.input_audio_transcription.completed")

    assert heard["transcript"] == "What is Opus for?"
    assert heard["usage"]["seconds"] == 2.45


async def test_noise_gets_no_answer(stage: Stage) -> None:
    stage.recognizer.hears = ""
    stage.dialogue.hear(np.concatenate([SPEECH, SILENCE]))
    heard = await stage.until("conversation.item.input_audio_transcription.completed")
    await asyncio.sleep(0.05)

    assert heard["transcript"] == ""
    assert "response.created" not in stage.types()


async def test_a_recogniser_that_fails_is_told_of(stage: Stage) -> None:
    stage.recognizer.hears = "!"
    stage.dialogue.hear(np.concatenate([SPEECH, SILENCE]))
    failed = await stage.until("conversation.item.input_audio_transcription.failed")

    assert failed["error"]["message"] == "no ears"


async def test_without_transcription_there_is_an_answer_all_the_same() -> None:
    stage = Stage(audio={"input": {"transcription": None}})
    stage.dialogue.hear(np.concatenate([SPEECH, SILENCE]))
    await stage.until("response.done")

    assert not [kind for kind in stage.types() if "transcription" in kind]
    await stage.dialogue.end()


async def test_without_create_response_there_is_no_answer() -> None:
    stage = Stage(audio={"input": {"turn_detection": {"type": "server_vad", "create_response": False}}})
    stage.dialogue.hear(np.concatenate([SPEECH, SILENCE]))
    await stage.until("conversation.item.input_audio_transcription.completed")
    await asyncio.sleep(0.05)

    assert "response.created" not in stage.types()
    await stage.dialogue.end()


async def test_without_turn_detection_nothing_is_heard(stage: Stage) -> None:
    stage.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
    stage.dialogue.hear(np.concatenate([SPEECH, SILENCE]))

    assert stage.types() == ["session.created", "conversation.created", "session.updated"]


async def test_a_session_update_counts_from_then_on(stage: Stage) -> None:
    stage.send("session.update", session={"type": "realtime", "output_modalities": ["text"], "instructions": "Hum."})
    updated = await stage.until("session.updated")
    stage.ask("What is Opus?")
    done = await stage.until("response.done")

    assert updated["session"]["instructions"] == "Hum."
    assert done["response"]["output_modalities"] == ["text"]
    assert stage.mind.asked[0].instructions == "Hum."


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


async def test_a_mind_that_fails_fails_its_response_only(stage: Stage) -> None:
    stage.mind.says = [ValueError("no idea")]
    stage.ask("What is Opus?")
    failed = (await stage.until("response.done"))["response"]
    stage.mind.says = ["Now I know."]
    stage.ask("And now?")
    done = (await stage.until("response.done", count=2))["response"]

    assert failed["status"] == "failed"
    assert failed["status_details"]["error"]["message"] == "no idea"
    assert done["status"] == "completed"
    assert stage.mind.asked[1].text == "And now?"


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


async def test_two_responses_at_a_time_are_refused(stage: Stage) -> None:
    stage.mind.says = ["…"]
    stage.ask("One?")
    stage.send("response.create", event_id="mine")

    error = (await stage.until("error"))["error"]
    assert (error["code"], error["event_id"]) == ("conversation_already_has_active_response", "mine")


MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}


@pytest.mark.parametrize(
    ("message", "code", "param"),
    [
        ("{", "invalid_json", None),
        ("[" * 100_000, "invalid_json", None),
        (b"\x00", "invalid_value", None),
        ("[1]", "invalid_value", None),
        ("{}", "missing_required_parameter", "type"),
        ('{"type": 7}', "missing_required_parameter", "type"),
        ('{"type": "input_audio_buffer.commit"}', "input_audio_buffer_commit_empty", None),
        ('{"type": "input_audio_buffer.dance"}', "invalid_value", "type"),
        ('{"type": "response.cancel", "response": {}}', "unknown_parameter", "response"),
        ('{"type": "input_audio_buffer.append"}', "missing_required_parameter", "audio"),
        ('{"type": "input_audio_buffer.append", "audio": "#"}', "invalid_value", "audio"),
        ('{"type": "input_audio_buffer.append", "audio": "AA=="}', "invalid_value", "audio"),
        ('{"type": "conversation.item.retrieve"}', "missing_required_parameter", "item_id"),
        ('{"type": "conversation.item.retrieve", "item_id": "x"}', "item_retrieve_invalid_item_id", "item_id"),
        ('{"type": "conversation.item.delete", "item_id": "x"}', "item_delete_invalid_item_id", "item_id"),
        (
            '{"type": "conversation.item.truncate", "item_id": "x", "content_index": 0, "audio_end_ms": 0}',
            "item_truncate_invalid_item_id",
            "item_id",
        ),
        (
            '{"type": "conversation.item.truncate", "item_id": "x", "content_index": 0, "audio_end_ms": -1}',
            "invalid_value",
            "audio_end_ms",
        ),
        ('{"type": "response.cancel"}', "response_cancel_not_active", None),
        ('{"type": "session.update"}', "missing_required_parameter", "session"),
        ('{"type": "session.update", "session": {}}', "missing_required_parameter", "session.type"),
        (
            '{"type": "session.update", "session": {"type": "realtime", "loud": 1}}',
            "unknown_parameter",
            "session.loud",
        ),
        ('{"type": "conversation.item.create"}', "missing_required_parameter", "item"),
        ('{"type": "conversation.item.create", "item": {"type": "image"}}', "invalid_value", "item.type"),
        (
            json.dumps({"type": "conversation.item.create", "item": {**MESSAGE, "role": "cook"}}),
            "invalid_value",
            "item.role",
        ),
        (
            json.dumps({"type": "conversation.item.create", "item": {**MESSAGE, "content": [{"type": "input_image"}]}}),
            "missing_required_parameter",
            "item.content[0].image_url",
        ),
        (
            json.dumps({"type": "conversation.item.create", "item": {**MESSAGE, "content": [{"type": "smell"}]}}),
            "invalid_value",
            "item.content[0].type",
        ),
        (
            json.dumps({"type": "conversation.item.create", "item": {**MESSAGE, "status": "ripe"}}),
            "invalid_value",
            "item.status",
        ),
        (
            '{"type": "conversation.item.create", "item": {"type": "function_call_output", "output": ""}}',
            "missing_required_parameter",
            "item.call_id",
        ),
        (
            json.dumps({"type": "conversation.item.create", "previous_item_id": "nowhere", "item": MESSAGE}),
            "invalid_value",
            "previous_item_id",
        ),
        (
            json.dumps({"type": "conversation.item.create", "previous_item_id": 7, "item": MESSAGE}),
            "invalid_value",
            "previous_item_id",
        ),
        ('{"type": "response.create", "response": {"loud": 1}}', "unknown_parameter", "response.loud"),
        ('{"type": "response.create", "response": 1}', "invalid_value", "response"),
        ('{"type": "response.create", "response": {"input": [1]}}', "invalid_value", "response.input[0]"),
        (
            '{"type": "response.create", "response": {"input": [{"type": "item_reference", "id": "x"}]}}',
            "invalid_value",
            "response.input[0].id",
        ),
        (
            '{"type": "response.create", "response": {"tool_choice": {"type": "function", "name": "f"}}}',
            "invalid_value",
            "response.tool_choice",
        ),
        (
            '{"type": "response.create", "response": {"conversation": "other"}}',
            "invalid_value",
            "response.conversation",
        ),
    ],
)
async def test_a_bad_message_is_answered_by_an_error(
    stage: Stage, message: str | bytes, code: str, param: str | None
) -> None:
    stage.dialogue.receive(message)

    error = stage.events[-1]["error"]
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    assert error["message"]
    assert stage.types() == ["session.created", "conversation.created", "error"]


async def test_an_item_id_may_be_chosen_but_only_once(stage: Stage) -> None:
    item = {"id": "mine", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
    stage.send("conversation.item.create", item=item)
    stage.send("conversation.item.create", item=item)

    assert stage.events[2]["item"]["id"] == "mine"
    assert stage.events[-1]["error"]["param"] == "item.id"


async def test_a_fault_of_the_server_itself_is_told_and_does_not_end_the_call(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(stage.dialogue.conversation, "add", fail)
        stage.ask("What is Opus?", output_modalities=["text"])
    stage.ask("And now?", output_modalities=["text"])

    assert (stage.events[2]["type"], stage.events[2]["error"]["type"]) == ("error", "server_error")
    assert stage.events[2]["error"]["code"] == "server_error"
