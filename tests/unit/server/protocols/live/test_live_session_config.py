from __future__ import annotations

from typing import Any

import pytest

from rtc_widget.server.errors import ApiError
from rtc_widget.server.protocols.live.session_config import (
    INSTRUCTIONS,
    LiveConfig,
    changed_live_session,
    new_live_session,
)

FUNCTION = {"type": "function", "name": "roll"}


def session(*, is_websocket: bool = False, **settings: Any) -> LiveConfig:
    return new_live_session("live_1", 1_900_000_000, {"model": "any", **settings}, is_websocket=is_websocket)


def backend(**settings: Any) -> dict[str, Any]:
    return {"type": "responses", "responses": {"model": "any", **settings}}


def refusal(**settings: Any) -> tuple[str, str | None]:
    with pytest.raises(ApiError) as refused:
        session(**settings)
    return refused.value.code, refused.value.param


def test_the_defaults_of_a_session() -> None:
    assert session().to_wire() == {
        "id": "live_1",
        "model": "any",
        "status": "active",
        "expires_at": 1_900_000_000,
        "instructions": INSTRUCTIONS,
        "input": [],
        "audio": {"output": {"voice": "marin"}},
        "delegation": {"type": "client"},
        "store": False,
    }
    assert session(instructions="  ").prompt == INSTRUCTIONS


@pytest.mark.parametrize(
    ("settings", "code", "param"),
    [
        ({"voice": "marin"}, "unknown_parameter", "session.voice"),
        ({"tools": []}, "unknown_parameter", "session.tools"),
        ({"audio": {"input": {}}}, "unknown_parameter", "session.audio.input"),
        ({"id": "live_2"}, "unknown_parameter", "session.id"),
        ({"model": None}, "invalid_value", "session.model"),
        ({"audio": {"format": {"type": "audio/pcm", "rate": 24_000}}}, "invalid_value", "session.audio.format"),
        ({"delegation": {"type": "responses"}}, "missing_required_parameter", "session.delegation.responses"),
        (
            {"delegation": {"type": "responses", "responses": {}}},
            "missing_required_parameter",
            "session.delegation.responses.model",
        ),
        ({"delegation": backend(temperature=1)}, "unknown_parameter", "session.delegation.responses.temperature"),
        (
            {"delegation": backend(tools=[FUNCTION, {"type": "web_search"}])},
            "invalid_value",
            "session.delegation.responses.tools[1].type",
        ),
        (
            {"delegation": backend(tools=[{**FUNCTION, "function": {}}])},
            "unknown_parameter",
            "session.delegation.responses.tools[0].function",
        ),
        ({"delegation": {"type": "decisions", "decisions": {}}}, "invalid_value", "session.delegation.type"),
        ({"triggers": [{}]}, "invalid_value", "session.triggers"),
        ({"store": True}, "invalid_value", "session.store"),
        ({"idle_timeout_s": 0}, "invalid_value", "session.idle_timeout_s"),
        ({"idle_timeout_s": 1.5}, "invalid_value", "session.idle_timeout_s"),
        ({"wake_policy": {"type": "word"}}, "invalid_value", "session.wake_policy.type"),
        ({"input": [{"role": "user", "content": "Hi"}]}, "invalid_value", "session.input[0].content"),
        ({"instructions": "word " * 16_385}, "invalid_value", "session.instructions"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_text", "text": "word " * 8_193}]}]},
            "invalid_value",
            "session.input",
        ),
        ({"safety_identifier": "x" * 250_000}, "invalid_value", "session"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(settings: dict[str, Any], code: str, param: str) -> None:
    assert refusal(**settings) == (code, param)


def test_a_session_needs_a_model_and_must_be_an_object() -> None:
    for given, param in (({}, "session.model"), (None, "session"), ([], "session")):
        with pytest.raises(ApiError) as refused:
            new_live_session("live_1", 0, given)
        assert (refused.value.code, refused.value.param) == ("missing_required_parameter", param)


def test_a_primary_websocket_has_a_format() -> None:
    made = session(is_websocket=True, audio={"format": {"type": "audio/pcmu", "rate": 8_000}})

    assert made.to_wire()["audio"]["format"] == {"type": "audio/pcmu", "rate": 8_000}


def test_a_voice_may_be_an_object() -> None:
    assert session(audio={"output": {"voice": {"id": "voice_1"}}}).voice == "voice_1"


def test_the_tool_choice_decides_which_functions_there_are() -> None:
    tools = [FUNCTION, {"type": "function", "name": "add"}]

    def names(choice: object) -> tuple[list[str], bool]:
        made = session(delegation=backend(tools=tools, tool_choice=choice)).backend
        assert made is not None
        return [tool.name for tool in made.functions()], made.must_call

    assert names(None) == (["roll", "add"], False)
    assert names("none") == ([], False)
    assert names("required") == (["roll", "add"], True)
    assert names({"type": "function", "name": "add"}) == (["add"], True)


def test_each_field_of_a_backend_changes_by_itself() -> None:
    made = session(delegation=backend(instructions="Be brief.", tools=[FUNCTION]))
    changed = changed_live_session(made, {"delegation": {"responses": {"tool_choice": "required"}}})

    assert changed.backend is not None
    assert (changed.backend.instructions, changed.backend.must_call) == ("Be brief.", True)
    assert changed_live_session(changed, {}) == changed
    assert changed_live_session(changed, {"triggers": []}).triggers == []
