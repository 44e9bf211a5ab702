from __future__ import annotations

from typing import Any

import pytest

from rtc_widget.server.errors import ApiError
from rtc_widget.server.protocols.realtime.session_config import SessionConfig, changed_session, new_session

MCP = {"type": "mcp", "server_label": "s", "server_url": "https://example.org"}
TOOL_NAME = "session.tools[0].name"


def session(**settings: Any) -> SessionConfig:
    return new_session("sess_1", 1_800_000_000, {"type": "realtime", **settings})


def changed(before: SessionConfig, **changes: Any) -> dict[str, Any]:
    return changed_session(before, {"type": "realtime", **changes}).to_wire()


def test_a_session_object_is_complete() -> None:
    wire = session().to_wire()

    assert wire["id"] == "sess_1"
    assert wire["object"] == "realtime.session"
    assert wire["output_modalities"] == ["audio"]
    assert wire["audio"]["input"]["transcription"]["language"] == "en"
    assert wire["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    }
    assert {
        "tools",
        "tool_choice",
        "max_output_tokens",
        "tracing",
        "truncation",
        "include",
        "expires_at",
    } <= wire.keys()


def test_a_change_leaves_the_rest_alone() -> None:
    before = session(instructions="Be brief.", audio={"output": {"voice": "marin"}})

    after = changed(before, audio={"input": {"turn_detection": {"silence_duration_ms": 900}}})

    assert after["instructions"] == "Be brief."
    assert after["audio"]["output"]["voice"] == "marin"
    assert after["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 900
    assert after["audio"]["input"]["turn_detection"]["threshold"] == 0.5


def test_null_turns_a_thing_off_and_is_kept() -> None:
    after = changed(session(), audio={"input": {"turn_detection": None, "transcription": None}})

    assert after["audio"]["input"]["turn_detection"] is None
    assert after["audio"]["input"]["transcription"] is None


def test_another_kind_of_turn_detection_takes_nothing_from_the_old_one() -> None:
    after = changed(session(), audio={"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}})

    assert after["audio"]["input"]["turn_detection"]["eagerness"] == "high"
    assert "threshold" not in after["audio"]["input"]["turn_detection"]


def test_tools_are_replaced_as_a_whole() -> None:
    def tool(name: str) -> dict[str, Any]:
        return {"type": "function", "name": name, "description": "", "parameters": {}}

    after = changed(session(tools=[tool("one"), tool("two")]), tools=[tool("three")])

    assert [kept["name"] for kept in after["tools"]] == ["three"]


def test_what_a_client_was_shown_it_may_send_back() -> None:
    before = session()

    assert changed_session(before, before.to_wire()) == before


@pytest.mark.parametrize(
    ("settings", "code", "path"),
    [
        ({"temperature": 1}, "unknown_parameter", "session.temperature"),
        ({"audio": {"input": {"loudness": 1}}}, "unknown_parameter", "session.audio.input.loudness"),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "eagerness": "low"}}}},
            "unknown_parameter",
            "session.audio.input.turn_detection.eagerness",
        ),
        ({"tools": [{"type": "function", "name": "f", "meta": 1}]}, "unknown_parameter", "session.tools[0].meta"),
        ({"tools": [{"type": "function"}]}, "missing_required_parameter", "session.tools[0].name"),
        ({"audio": {"output": {"speed": 9}}}, "invalid_value", "session.audio.output.speed"),
        ({"output_modalities": ["audio", "text"]}, "invalid_value", "session.output_modalities"),
        ({"type": "transcription"}, "invalid_value", "session.type"),
        ({"instructions": None}, "invalid_value", "session.instructions"),
        ({"audio": None}, "invalid_value", "session.audio"),
        # The beta's nested form of a tool, the mistake that is made most.
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "missing_required_parameter", TOOL_NAME),
        ({"tools": [{"name": "f"}]}, "missing_required_parameter", "session.tools[0].type"),
        ({"tools": [{"type": "web_search"}]}, "invalid_value", "session.tools[0].type"),
        ({"tool_choice": "sometimes"}, "invalid_value", "session.tool_choice"),
        ({"tool_choice": {"type": "function", "name": "f"}}, "invalid_value", "session.tool_choice"),
        ({"tool_choice": {"type": "mcp", "server_label": "f"}}, "invalid_value", "session.tool_choice"),
        ({"tool_choice": {"type": "function"}}, "missing_required_parameter", "session.tool_choice.name"),
        ({"max_output_tokens": True}, "invalid_value", "session.max_output_tokens"),
        ({"max_output_tokens": "7"}, "invalid_value", "session.max_output_tokens"),
        (
            {"audio": {"output": {"voice": {}}}},
            "missing_required_parameter",
            "session.audio.output.voice.id",
        ),
        ({"audio": {"input": {"format": "pcm16"}}}, "invalid_value", "session.audio.input.format"),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": "0.5"}}}},
            "invalid_value",
            "session.audio.input.turn_detection.threshold",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": None}}}},
            "invalid_value",
            "session.audio.input.turn_detection.type",
        ),
        ({"reasoning": {"effort": "wild"}}, "invalid_value", "session.reasoning.effort"),
        ({"truncation": {"retention_ratio": 0.5}}, "missing_required_parameter", "session.truncation.type"),
        (
            {"truncation": {"type": "retention_ratio", "retention_ratio": 5}},
            "invalid_value",
            "session.truncation.retention_ratio",
        ),
        ({"tracing": {"name": "w"}}, "unknown_parameter", "session.tracing.name"),
        ({"include": ["everything"]}, "invalid_value", "session.include[0]"),
    ],
)
def test_a_bad_setting_is_refused_with_its_path(settings: dict[str, Any], code: str, path: str) -> None:
    with pytest.raises(ApiError) as refused:
        session(**settings)

    assert (refused.value.code, refused.value.param) == (code, path)


@pytest.mark.parametrize(
    "settings",
    [
        {"tool_choice": {"type": "mcp", "server_label": "s", "name": "f"}, "tools": [MCP]},
        {"tool_choice": {"type": "function", "name": "f"}, "tools": [{"type": "function", "name": "f"}]},
        {"audio": {"output": {"voice": {"id": "voice_123"}, "speed": 1}}},
        {"tracing": {"workflow_name": "w", "group_id": "g", "metadata": {"a": 1}}},
        {"truncation": {"type": "retention_ratio", "retention_ratio": 0.8, "token_limits": {"post_instructions": 9}}},
        {"include": ["item.input_audio_transcription.logprobs"], "reasoning": {"effort": "low"}},
        {"prompt": {"id": "p", "version": "1", "variables": {"a": "b"}}, "parallel_tool_calls": True},
        {"max_output_tokens": "inf", "output_modalities": ["text"]},
        {"audio": {"input": {"noise_reduction": {"type": "near_field", "strength": 1}}}},
        {"audio": {"input": {"transcription": {"model": "gpt-realtime-whisper", "delay": "xhigh"}}}},
    ],
)
def test_whatever_the_protocol_knows_is_taken_and_shown_as_it_was_given(settings: dict[str, Any]) -> None:
    from openai.types.realtime import SessionUpdatedEvent

    wire = session(**settings).to_wire()

    SessionUpdatedEvent.model_validate({"type": "session.updated", "event_id": "e", "session": wire})
    assert contains(wire, settings)


def contains(shown: Any, given: Any) -> bool:
    if isinstance(given, dict):
        return all(contains(shown[key], value) for key, value in given.items())
    if isinstance(given, list):
        return all(map(contains, shown, given))
    return bool(shown == given)


def test_a_session_without_a_type_is_refused() -> None:
    with pytest.raises(ApiError, match=r"session\.type"):
        new_session("sess_1", 0, {"instructions": "Be brief."})


def test_the_model_stays() -> None:
    with pytest.raises(ApiError, match="model"):
        changed(session(), model="another")


def test_two_modalities_are_refused_with_what_to_give_instead() -> None:
    with pytest.raises(ApiError, match=r"Use \['audio'\] or \['text'\]"):
        session(output_modalities=["audio", "text"])


def test_no_reasoning_may_be_asked_for() -> None:
    # Newer models take it, though openai-python does not know it yet.
    assert session(reasoning={"effort": "none"}).to_wire()["reasoning"] == {"effort": "none"}
