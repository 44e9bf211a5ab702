"""The flows of tools, items and settings, their whole sequence, and every event judged by OpenAI's own models."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

from rtc_widget.server.responders.responder import RequestedToolCall
from rtc_widget.server.speech import INPUT_RATE
from tests.conformance.sequences import BEGIN, CALLED, ITEM, RESPONSE, TRANSCRIPTION, WEATHER, WRITTEN, Begin


async def test_a_tool_call(begin: Begin) -> None:
    stage = begin(tools=[WEATHER], output_modalities=["text"])
    stage.responder.says = [RequestedToolCall("get_weather", '{"city": "Paris"}')]
    stage.ask("What is the weather in Paris?")
    done = (await stage.until("response.done"))["response"]
    call = done["output"][0]
    stage.responder.says = ["It is ", "sunny. ", "Enjoy!"]
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
    assert [tool.name for tool in stage.responder.asked[0].tools] == ["get_weather"]


async def test_parallel_tool_calls_after_some_words(begin: Begin) -> None:
    stage = begin(tools=[WEATHER], output_modalities=["text"])
    calls = [RequestedToolCall("get_weather", json.dumps({"city": city})) for city in ("Paris", "Rome")]
    stage.responder.says = ["Let me see. ", "Wait.", *calls]
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

    assert [tool.name for tool in stage.responder.asked[0].tools] == offered
    assert stage.responder.asked[0].tool_choice == must


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
    assert [item.id for item in stage.engine.conversation.items] == ["a", "b", "d"]
    assert stage.types()[-2:] == ["conversation.item.deleted", "error"]
    assert stage.events[-1]["error"]["event_id"] == "gone"


async def test_a_spoken_message_made_by_hand(begin: Begin) -> None:
    stage = begin(output_modalities=["text"])
    pcm = base64.b64encode((np.full(INPUT_RATE, 0.5) * 32767).astype("<i2").tobytes()).decode()
    content = [{"type": "input_audio", "audio": pcm}]
    stage.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    stage.send("response.create")
    await stage.until("response.done")

    assert stage.responder.asked[0].text == "What is Opus?"
    assert stage.types() == [*BEGIN, *ITEM, *RESPONSE, *TRANSCRIPTION, *WRITTEN, "response.done"]


async def test_a_picture(begin: Begin) -> None:
    stage = begin(output_modalities=["text"])
    url = "data:image/png;base64,iVBORw0KGgo="
    content = [{"type": "input_image", "image_url": url}, {"type": "input_text", "text": "What is this?"}]
    stage.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})

    assert stage.events[-1]["item"]["content"][0] == {"type": "input_image", "image_url": url}
    content[0]["detail"] = "low"
    stage.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    assert stage.events[-1]["item"]["content"][0] == {"type": "input_image", "image_url": url, "detail": "low"}


async def test_the_output_of_a_call_that_nobody_made(begin: Begin) -> None:
    stage = begin()
    output = {"type": "function_call_output", "call_id": "call_nobody", "output": "sunny"}
    stage.send("conversation.item.create", item=output, event_id="lost")

    assert stage.types() == [*BEGIN, "error"]
    error = stage.events[-1]["error"]
    assert (error["code"], error["event_id"]) == ("invalid_tool_call_id", "lost")
    assert error["message"] == "Tool call ID 'call_nobody' not found in conversation."


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
