"""Every flow of the protocol, its whole sequence, and every event judged by OpenAI's own models."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rtc_widget.local.client_events import CLIENT_EVENTS
from rtc_widget.local.events import REQUIRED_FIELDS
from rtc_widget.local.mind import ToolCall
from rtc_widget.local.speech import HEARING_RATE
from tests.unit.local.official import client_event_types, server_event_types
from tests.unit.local.stage import SILENCE, SPEECH, Stage

Begin = Callable[..., Stage]

BEGIN = ["session.created", "conversation.created"]
ITEM = ["conversation.item.added", "conversation.item.done"]
TRANSCRIPTION = [f"conversation.item.input_audio_transcription.{step}" for step in ("delta", "completed")]
TURN = ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", "input_audio_buffer.committed", *ITEM]
RESPONSE = ["response.created", "rate_limits.updated"]
MESSAGE_ADDED = ["response.output_item.added", "conversation.item.added", "response.content_part.added"]
MESSAGE_DONE = ["response.content_part.done", "response.output_item.done", "conversation.item.done"]
SPOKEN = [
    *MESSAGE_ADDED,
    "response.output_audio_transcript.delta",
    "response.output_audio_transcript.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    *MESSAGE_DONE,
]
WRITTEN = [
    *MESSAGE_ADDED,
    "response.output_text.delta",
    "response.output_text.delta",
    "response.output_text.done",
    *MESSAGE_DONE,
]
CALLED = [
    "response.output_item.added",
    "conversation.item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.done",
    "conversation.item.done",
]
PUSH_TO_TALK = {"audio": {"input": {"turn_detection": None}}}
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


async def test_a_voice_turn(begin: Begin) -> None:
    stage = begin()
    stage.dialogue.hear(np.concatenate([SPEECH, SILENCE]))
    await stage.until("response.done")
    stage.play_out()

    played = ["output_audio_buffer.started", "output_audio_buffer.stopped"]
    assert stage.types() == [*BEGIN, *TURN, *TRANSCRIPTION, *RESPONSE, *SPOKEN, "response.done", *played]


async def test_a_text_turn(begin: Begin) -> None:
    stage = begin(output_modalities=["text"])
    stage.ask("What is Opus?")
    await stage.until("response.done")

    assert stage.types() == [*BEGIN, *ITEM, *RESPONSE, *WRITTEN, "response.done"]


async def test_a_barge_in(begin: Begin) -> None:
    stage = begin()
    stage.mind.says = ["Opus is a codec. It", "…"]
    stage.ask("What is Opus?")
    await stage.until("response.output_audio_transcript.delta")
    stage.playbacks[0].read(960)
    stage.dialogue.hear(SPEECH)
    truncated = await stage.until("conversation.item.truncated")

    assert stage.types()[-11:] == [
        "response.output_audio_transcript.delta",
        "output_audio_buffer.started",
        "input_audio_buffer.speech_started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        *MESSAGE_DONE,
        "response.done",
        "output_audio_buffer.cleared",
        "conversation.item.truncated",
    ]
    done = (await stage.until("response.done"))["response"]
    assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert truncated["audio_end_ms"] == 20
    stage.send("conversation.item.retrieve", item_id=truncated["item_id"])
    assert stage.events[-1]["item"]["content"][0]["transcript"] is None


async def test_speech_after_the_answer_was_made_but_not_heard(begin: Begin) -> None:
    stage = begin()
    stage.ask("What is Opus?")
    await stage.until("response.done")
    stage.playbacks[0].read(4800)
    stage.dialogue.hear(SPEECH)
    await stage.until("conversation.item.truncated")

    assert stage.types()[-4:] == [
        "output_audio_buffer.started",
        "input_audio_buffer.speech_started",
        "output_audio_buffer.cleared",
        "conversation.item.truncated",
    ]


async def test_a_tool_call(begin: Begin) -> None:
    stage = begin(tools=[WEATHER], output_modalities=["text"])
    stage.mind.says = [ToolCall("get_weather", '{"city": "Paris"}')]
    stage.ask("What is the weather in Paris?")
    done = (await stage.until("response.done"))["response"]
    call = done["output"][0]
    stage.mind.says = ["It is ", "sunny. ", "Enjoy!"]
    stage.send(
        "conversation.item.create",
        item={"type": "function_call_output", "call_id": call["call_id"], "output": '"sunny"'},
    )
    stage.send("response.create")
    await stage.until("response.done", count=2)

    assert stage.types() == [
        *[*BEGIN, *ITEM, *RESPONSE, *CALLED, "response.done"],
        *[*ITEM, *RESPONSE, *WRITTEN, "response.done"],
    ]
    assert done["status"] == "completed"
    assert (call["name"], json.loads(call["arguments"])) == ("get_weather", {"city": "Paris"})
    arguments = await stage.until("response.function_call_arguments.done")
    assert (arguments["call_id"], arguments["name"]) == (call["call_id"], "get_weather")
    assert [tool.name for tool in stage.mind.asked[0].tools] == ["get_weather"]


async def test_parallel_tool_calls_after_some_words(begin: Begin) -> None:
    stage = begin(tools=[WEATHER], output_modalities=["text"])
    calls = [ToolCall("get_weather", json.dumps({"city": city})) for city in ("Paris", "Rome")]
    stage.mind.says = ["Let me see. ", "Wait.", *calls]
    stage.ask("What is the weather in Paris and in Rome?")
    done = (await stage.until("response.done"))["response"]

    assert stage.types() == [*BEGIN, *ITEM, *RESPONSE, *WRITTEN, *CALLED, *CALLED, "response.done"]
    assert [item["type"] for item in done["output"]] == ["message", "function_call", "function_call"]
    added = [event for event in stage.events if event["type"] == "response.output_item.added"]
    assert [event["output_index"] for event in added] == [0, 1, 2]
    assert len({item["call_id"] for item in done["output"][1:]}) == 2


@pytest.mark.parametrize(
    ("choice", "offered", "must"),
    [("none", [], "auto"), ("required", ["get_weather"], "required"), ("auto", ["get_weather"], "auto")],
)
async def test_the_choice_of_tools(begin: Begin, choice: str, offered: list[str], must: str) -> None:
    stage = begin(tools=[WEATHER], output_modalities=["text"])
    stage.ask("What is the weather?", tool_choice=choice)
    await stage.until("response.done")

    assert [tool.name for tool in stage.mind.asked[0].tools] == offered
    assert stage.mind.asked[0].tool_choice == must


async def test_cancelling(begin: Begin) -> None:
    stage = begin()
    stage.mind.says = ["Opus is a codec. It", "…"]
    stage.ask("What is Opus?")
    await stage.until("response.output_audio_transcript.delta")
    stage.playbacks[0].read(960)
    stage.send("response.cancel")
    stage.send("output_audio_buffer.clear")
    await stage.until("output_audio_buffer.cleared")
    stage.send("response.cancel", event_id="late")

    assert stage.types()[-9:] == [
        "output_audio_buffer.started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        *MESSAGE_DONE,
        "response.done",
        "output_audio_buffer.cleared",
        "error",
    ]
    error = stage.events[-1]["error"]
    assert (error["code"], error["event_id"]) == ("response_cancel_not_active", "late")


async def test_truncating(begin: Begin) -> None:
    stage = begin(plays=False)
    stage.ask("What is Opus?")
    item = (await stage.until("response.done"))["response"]["output"][0]
    stage.send("conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=140)
    stage.send("conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=9000)
    stage.send("conversation.item.retrieve", item_id=item["id"])

    assert stage.types()[-3:] == ["conversation.item.truncated", "error", "conversation.item.retrieved"]
    assert stage.events[-2]["error"]["message"] == "Audio content of 140ms is already shorter than 9000ms."
    assert stage.events[-1]["item"]["content"] == [{"type": "output_audio", "transcript": None}]


async def test_a_message_that_was_written_cannot_be_truncated(begin: Begin) -> None:
    stage = begin()
    stage.ask("What is Opus?")
    item_id = stage.events[2]["item"]["id"]
    stage.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=0)

    assert stage.events[-1]["error"]["code"] == "unsupported_content_type"


async def test_push_to_talk(begin: Begin) -> None:
    stage = begin(**PUSH_TO_TALK)
    stage.dialogue.hear(SILENCE)
    stage.send("input_audio_buffer.clear")
    stage.dialogue.hear(SPEECH)
    stage.send("input_audio_buffer.commit")
    stage.send("response.create")
    await stage.until("response.done")

    assert stage.types() == [
        *[*BEGIN, "input_audio_buffer.cleared", "input_audio_buffer.committed", *ITEM],
        # The response is created at once and then waits for the words.
        *[*RESPONSE, *TRANSCRIPTION, *SPOKEN, "response.done"],
    ]
    assert stage.mind.asked[0].text == "What is Opus?"
    completed = await stage.until(TRANSCRIPTION[1])
    assert completed["usage"] == {"type": "duration", "seconds": 1.0}


async def test_push_to_talk_without_a_word(begin: Begin) -> None:
    stage = begin(**PUSH_TO_TALK)
    stage.send("input_audio_buffer.commit", event_id="empty")

    error = stage.events[-1]["error"]
    assert (error["code"], error["event_id"]) == ("input_audio_buffer_commit_empty", "empty")
    assert "buffer only has 0.00ms of audio" in error["message"]


async def test_committing_before_the_silence_is_long_enough(begin: Begin) -> None:
    stage = begin()
    stage.dialogue.hear(SPEECH)
    stage.send("input_audio_buffer.commit")
    stage.send("response.create")
    await stage.until("response.done")
    stage.dialogue.hear(SILENCE)

    turn = ["input_audio_buffer.speech_started", "input_audio_buffer.committed", *ITEM]
    assert stage.types() == [*BEGIN, *turn, *RESPONSE, *TRANSCRIPTION, *SPOKEN, "response.done"]


async def test_a_turn_in_events(begin: Begin) -> None:
    stage = begin(plays=False)
    stage.append(np.concatenate([SPEECH, SILENCE]))
    await stage.until("response.done")

    delta = "response.output_audio.delta"
    transcript = "response.output_audio_transcript.delta"
    assert stage.types() == [
        *[*BEGIN, *TURN, *TRANSCRIPTION, *RESPONSE, *MESSAGE_ADDED],
        *[delta, transcript, delta, transcript],
        *["response.output_audio.done", "response.output_audio_transcript.done", *MESSAGE_DONE, "response.done"],
    ]
    sound = b"".join(base64.b64decode(event["delta"]) for event in stage.events if event["type"] == delta)
    # The scripted voice takes 10 ms for a character.
    assert len(sound) / 2 / 24_000 == pytest.approx(0.28, abs=0.01)


@pytest.mark.parametrize("encoding", ["audio/pcmu", "audio/pcma"])
async def test_a_turn_in_g711(begin: Begin, encoding: str) -> None:
    sound = {"format": {"type": encoding}}
    stage = begin(plays=False, audio={"input": {**sound, "turn_detection": None}, "output": sound})
    loud = {"audio/pcmu": b"\x80", "audio/pcma": b"\xaa"}[encoding]
    stage.send("input_audio_buffer.append", audio=base64.b64encode(loud * 8000).decode())
    stage.send("input_audio_buffer.commit")
    stage.send("response.create")
    await stage.until("response.done")

    assert (await stage.until(TRANSCRIPTION[1]))["usage"]["seconds"] == 1.0
    said = [event["delta"] for event in stage.events if event["type"] == "response.output_audio.delta"]
    assert sum(len(base64.b64decode(delta)) for delta in said) == pytest.approx(0.28 * 8000, abs=80)


async def test_an_out_of_band_response(begin: Begin) -> None:
    stage = begin(output_modalities=["text"])
    stage.ask("What is Opus?")
    question = (await stage.until("conversation.item.done"))["item"]
    await stage.until("response.done")
    stage.mind.says = ["codec", "s"]
    stage.send(
        "response.create",
        response={
            "conversation": "none",
            "metadata": {"purpose": "topic"},
            "instructions": "Classify.",
            "input": [
                {"type": "item_reference", "id": question["id"]},
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "In one word?"}]},
            ],
        },
    )
    done = (await stage.until("response.done", count=2))["response"]

    outside = [kind for kind in WRITTEN if not kind.startswith("conversation.")]
    outside.remove("response.output_text.delta")
    assert stage.types() == [
        *[*BEGIN, *ITEM, *RESPONSE, *WRITTEN, "response.done"],
        *[*RESPONSE, *outside, "response.done"],
    ]
    assert (done["conversation_id"], done["metadata"]) == (None, {"purpose": "topic"})
    assert stage.mind.asked[1].text == "What is Opus? In one word?"
    assert stage.mind.asked[1].instructions == "Classify."
    stage.send("conversation.item.retrieve", item_id=done["output"][0]["id"])
    assert stage.events[-1]["error"]["code"] == "item_retrieve_invalid_item_id"


async def test_an_out_of_band_response_beside_another(begin: Begin) -> None:
    stage = begin(output_modalities=["text"])
    stage.mind.says = ["…"]
    stage.ask("What is Opus?")
    await stage.until("response.created")
    await asyncio.sleep(0.02)
    stage.send("response.create", response={"conversation": "none", "input": []})
    beside = (await stage.until("response.created", count=2))["response"]
    await asyncio.sleep(0.02)
    stage.send("response.cancel", response_id=beside["id"])
    done = (await stage.until("response.done"))["response"]
    stage.send("response.cancel")
    await stage.until("response.done", count=2)

    assert (done["id"], done["status"]) == (beside["id"], "cancelled")
    assert stage.mind.asked[1].text == ""
    assert stage.mind.asked[1].conversation.items == ()


async def test_an_answer_that_is_too_long(begin: Begin) -> None:
    stage = begin(output_modalities=["text"])
    stage.ask("What is Opus?", max_output_tokens=3)
    done = (await stage.until("response.done"))["response"]

    assert (done["status"], done["status_details"]) == (
        "incomplete",
        {"type": "incomplete", "reason": "max_output_tokens"},
    )
    assert done["output"][0]["status"] == "incomplete"
    assert done["output"][0]["content"][0]["text"].strip() == "Opus is a"
    assert done["usage"]["output_tokens"] == 3


async def test_a_spoken_answer_that_is_too_long(begin: Begin) -> None:
    stage = begin()
    stage.ask("What is Opus?", max_output_tokens=6)
    done = (await stage.until("response.done"))["response"]

    assert done["status"] == "incomplete"
    assert 0 < done["usage"]["output_tokens"] <= 6


async def test_a_mind_that_fails(begin: Begin) -> None:
    stage = begin(output_modalities=["text"])
    stage.mind.says = [ValueError("no idea")]
    stage.ask("What is Opus?")
    done = (await stage.until("response.done"))["response"]

    assert stage.types() == [*BEGIN, *ITEM, *RESPONSE, "response.done"]
    assert done["status_details"]["error"] == {"type": "server_error", "code": "mind_failed", "message": "no idea"}


async def test_nobody_speaks(begin: Begin) -> None:
    detection = {"type": "server_vad", "idle_timeout_ms": 5000}
    stage = begin(audio={"input": {"turn_detection": detection}})
    stage.dialogue.hear(np.tile(SILENCE, 6))
    assert stage.types() == BEGIN, "nobody has been answered yet"
    stage.ask("What is Opus?")
    await stage.until("response.done")
    stage.dialogue.hear(np.tile(SILENCE, 6))
    assert "input_audio_buffer.timeout_triggered" not in stage.types(), "the answer has not been heard yet"
    stage.play_out()
    stage.mind.says = ["Are you ", "still there? ", "Hello!"]
    stage.dialogue.hear(np.tile(SILENCE, 6))
    await stage.until("response.done", count=2)

    waited = ["input_audio_buffer.timeout_triggered", "input_audio_buffer.committed", *ITEM]
    played = ["output_audio_buffer.started", "output_audio_buffer.stopped"]
    assert stage.types() == [
        *[*BEGIN, *ITEM, *RESPONSE, *SPOKEN, "response.done", *played],
        *[*waited, *RESPONSE, *SPOKEN, "response.done"],
    ]
    triggered = await stage.until("input_audio_buffer.timeout_triggered")
    assert triggered["audio_end_ms"] - triggered["audio_start_ms"] == 5000
    assert stage.mind.asked[1].text == ""


async def test_items_are_put_where_they_belong_and_taken_out(begin: Begin) -> None:
    stage = begin()

    def create(item_id: str, previous: str | None = None, **item: Any) -> None:
        wire = {"id": item_id, "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
        where = {"previous_item_id": previous} if previous else {}
        stage.send("conversation.item.create", item={**wire, **item}, **where)

    create("b")
    create("d", role="assistant", content=[{"type": "output_text", "text": "Hello"}])
    create("c", previous="b")
    create("a", previous="root", role="system")
    stage.send("conversation.item.delete", item_id="c")
    stage.send("conversation.item.retrieve", item_id="c", event_id="gone")

    added = [event for event in stage.events if event["type"] == "conversation.item.added"]
    assert [event["previous_item_id"] for event in added] == [None, "b", "b", None]
    assert [item.id for item in stage.dialogue.conversation.items] == ["a", "b", "d"]
    assert stage.types()[-2:] == ["conversation.item.deleted", "error"]
    assert stage.events[-1]["error"]["event_id"] == "gone"


async def test_a_turn_can_be_heard_again(begin: Begin) -> None:
    stage = begin(**PUSH_TO_TALK)
    stage.dialogue.hear(SPEECH)
    stage.send("input_audio_buffer.commit")
    item_id = (await stage.until("input_audio_buffer.committed"))["item_id"]
    await stage.until(TRANSCRIPTION[1])
    stage.send("conversation.item.retrieve", item_id=item_id)

    content = stage.events[-1]["item"]["content"][0]
    sound = np.frombuffer(base64.b64decode(content["audio"]), "<i2")
    assert content["transcript"] == "What is Opus?"
    assert len(sound) == pytest.approx(24_000, abs=100)
    assert np.median(sound) == pytest.approx(0.9 * 32767, rel=0.01)


async def test_a_spoken_message_made_by_hand(begin: Begin) -> None:
    stage = begin(output_modalities=["text"])
    pcm = base64.b64encode((np.full(HEARING_RATE, 0.5) * 32767).astype("<i2").tobytes()).decode()
    content = [{"type": "input_audio", "audio": pcm}]
    stage.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    stage.send("response.create")
    await stage.until("response.done")

    assert stage.mind.asked[0].text == "What is Opus?"
    assert stage.types() == [*BEGIN, *ITEM, *RESPONSE, *TRANSCRIPTION, *WRITTEN, "response.done"]


async def test_a_picture(begin: Begin) -> None:
    stage = begin(output_modalities=["text"])
    url = "data:image/png;base64,iVBORw0KGgo="
    content = [{"type": "input_image", "image_url": url}, {"type": "input_text", "text": "What is this?"}]
    stage.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})

    assert stage.events[-1]["item"]["content"][0] == {"type": "input_image", "image_url": url}


async def test_the_session_changes_and_some_of_it_does_not(begin: Begin) -> None:
    stage = begin()
    update = {"type": "realtime", "audio": {"output": {"voice": "marin"}, "input": {"turn_detection": None}}}
    stage.send("session.update", session=update)
    stage.ask("What is Opus?")
    await stage.until("response.done")
    stage.send("session.update", session={"type": "realtime", "audio": {"output": {"voice": "cedar"}}}, event_id="v")
    stage.send("session.update", session={"type": "realtime", "model": "another"}, event_id="m")
    stage.send("session.update", session={"type": "realtime", "loudness": 11}, event_id="u")

    updated = (await stage.until("session.updated"))["session"]
    assert updated["audio"]["output"]["voice"] == "marin"
    assert updated["audio"]["input"]["turn_detection"] is None
    assert stage.speaker.voices == ["marin", "marin"]
    errors = [event["error"] for event in stage.events if event["type"] == "error"]
    assert [(error["event_id"], error["code"], error["param"]) for error in errors] == [
        ("v", "cannot_update_voice", "session.audio.output.voice"),
        ("m", "invalid_value", "session.model"),
        ("u", "unknown_parameter", "session.loudness"),
    ]


async def test_a_recogniser_that_fails(begin: Begin) -> None:
    stage = begin()
    stage.recognizer.hears = "!"
    stage.dialogue.hear(np.concatenate([SPEECH, SILENCE]))
    await stage.until("conversation.item.input_audio_transcription.failed")

    assert stage.types() == [*BEGIN, *TURN, "conversation.item.input_audio_transcription.failed"]


async def test_an_unfinished_sentence_is_waited_for_by_semantic_vad(begin: Begin) -> None:
    stage = begin(audio={"input": {"turn_detection": {"type": "semantic_vad"}}})
    stage.recognizer.hears = "I would like to"
    stage.dialogue.hear(np.concatenate([SPEECH, SILENCE[:4800]]))
    await asyncio.sleep(0.05)
    stage.dialogue.hear(np.tile(SILENCE, 2))
    assert stage.types() == [*BEGIN, "input_audio_buffer.speech_started"]
    stage.recognizer.hears = "I would like to know what Opus is."
    stage.dialogue.hear(np.concatenate([SPEECH, SILENCE[:4800]]))
    await asyncio.sleep(0.05)
    stage.dialogue.hear(SILENCE[:6400])
    await stage.until("response.done")

    assert stage.types() == [*BEGIN, *TURN, *TRANSCRIPTION, *RESPONSE, *SPOKEN, "response.done"]


def test_the_server_knows_every_event_of_a_client() -> None:
    assert CLIENT_EVENTS.keys() == client_event_types()


NOT_SENT = {
    "conversation.item.created",  # of the beta; `added` and `done` took its place
    "input_audio_buffer.dtmf_event_received",  # SIP
    "conversation.item.input_audio_transcription.segment",  # of models that tell speakers apart
}


def test_the_server_sends_every_event_of_a_server_but_those_that_cannot_occur() -> None:
    missing = server_event_types() - REQUIRED_FIELDS.keys()

    assert {kind for kind in missing if "mcp" not in kind} == NOT_SENT
    assert REQUIRED_FIELDS.keys() <= server_event_types()


def test_every_event_that_the_server_sends_was_seen(request: pytest.FixtureRequest) -> None:
    from tests.conformance.record import EVENTS, FLOWS

    if len(FLOWS) < 25:
        pytest.skip("only some of the flows were run")
    assert EVENTS.keys() == REQUIRED_FIELDS.keys()
