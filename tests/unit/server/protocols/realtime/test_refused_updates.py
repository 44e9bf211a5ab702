"""A `session.update` that is refused changes nothing, and no setting is kept that no event can contain."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rtc_widget.server.errors import ApiError
from rtc_widget.server.protocols.realtime.session_config import new_session
from tests.unit.server.stage import Stage


def nested(depth: int) -> Any:
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"properties": schema}
    return schema


def tool(parameters: Any) -> dict[str, Any]:
    return {"type": "function", "name": "look_up", "parameters": parameters}


def update(**session: Any) -> str:
    return json.dumps({"type": "session.update", "session": {"type": "realtime", **session}})


REFUSED = {
    "a schema 260 deep": update(instructions="Bad.", tools=[tool(nested(260))]),
    "an array 260 deep": update(instructions="Bad.", tools=[tool({"enum": json.loads("[" * 260 + "]" * 260)})]),
    "a description of a trace 260 deep": update(instructions="Bad.", tracing={"metadata": nested(260)}),
    "a number that is infinite": update(instructions="Bad.", tools=[tool({"maximum": 1})]).replace(
        '"maximum": 1', '"maximum": 1e999'
    ),
    "instructions of 400 KB": update(instructions="x" * 400_000),
    "400 KB in tools": update(instructions="Bad.", tools=[tool({"description": "x" * 400_000})]),
    "a wrong value after a right one": update(instructions="Bad.", audio={"output": {"speed": 9}}),
}


@pytest.mark.parametrize("message", REFUSED.values(), ids=REFUSED)
async def test_an_update_that_is_refused_changes_nothing(stage: Stage, message: str) -> None:
    before = stage.engine.session

    stage.engine.receive(message)

    assert stage.events[-1]["error"]["type"] == "invalid_request_error"
    assert stage.engine.session == before
    stage.send("session.update", session={"type": "realtime", "instructions": "Be brief."})
    assert stage.events[-1]["type"] == "session.updated"
    assert stage.events[-1]["session"] == {**before.to_wire(), "instructions": "Be brief."}


async def test_the_error_of_a_deep_update_names_the_event(stage: Stage) -> None:
    stage.send("session.update", event_id="deep", session={"tools": [tool(nested(260))]})

    error = stage.events[-1]["error"]
    assert (error["code"], error["event_id"]) == ("invalid_value", "deep")


async def test_a_schema_within_the_limit_is_kept(stage: Stage) -> None:
    schema = nested(90)
    stage.engine.receive(update(tools=[tool(schema)]))

    assert stage.events[-1]["session"]["tools"][0]["parameters"] == schema


async def test_settings_that_cannot_be_encoded_are_not_kept(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stage.engine.session

    def fail(*_: object, **__: object) -> str:
        raise ValueError("Circular reference detected (depth exceeded)")

    with monkeypatch.context() as patched:
        patched.setattr("rtc_widget.server.protocols.realtime.engine.encoded", fail)
        stage.engine.receive(update(instructions="Bad.", audio={"input": {"turn_detection": None}}))

    assert stage.events[-1]["error"]["code"] == "server_error"
    assert stage.engine.session == before
    assert stage.engine._input_audio._settings == before.audio.input


@pytest.mark.parametrize("settings", [{"tools": [tool(nested(260))]}, {"instructions": "x" * 400_000}])
def test_a_session_that_cannot_be_sent_does_not_begin(settings: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as refused:
        new_session("sess_1", 1_900_000_000, {"type": "realtime", **settings})

    assert (refused.value.status, refused.value.param) == (400, "session")
