"""A wrong message gets an error that names the field, and ends nothing."""

from __future__ import annotations

import json

import pytest

from tests.unit.server.stage import Stage


async def test_two_responses_at_a_time_are_refused(stage: Stage) -> None:
    stage.responder.says = ["…"]
    stage.ask("One?")
    stage.send("response.create", event_id="mine")

    error = (await stage.until("error"))["error"]
    assert (error["code"], error["event_id"]) == ("conversation_already_has_active_response", "mine")


MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}


@pytest.mark.usefixtures("no_collection")
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
    stage.engine.receive(message)

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
        patched.setattr(stage.engine.conversation, "add", fail)
        stage.ask("What is Opus?", output_modalities=["text"])
    stage.ask("And now?", output_modalities=["text"])

    assert (stage.events[2]["type"], stage.events[2]["error"]["type"]) == ("error", "server_error")
    assert stage.events[2]["error"]["code"] == "server_error"
