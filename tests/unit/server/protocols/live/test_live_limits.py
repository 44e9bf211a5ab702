"""What a session refuses, so that no client can fill its memory or make it wait for ever."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from tests.unit.server.live_stage import LiveStage, responses
from tests.unit.server.official import live_client_event_types, live_server_event_types, validate_live


@pytest.fixture
async def begin() -> AsyncGenerator[Callable[..., LiveStage], None]:
    stages: list[LiveStage] = []

    def begun(**session: Any) -> LiveStage:
        stages.append(LiveStage(**session))
        return stages[-1]

    yield begun
    for stage in stages:
        await stage.engine.end()
        validate_live(stage.events)


async def test_invalid_events_change_nothing_and_name_what_is_wrong(begin: Callable[..., LiveStage]) -> None:
    stage = begin()
    stage.engine.receive(b"binary")
    stage.engine.receive("{")
    stage.engine.receive("[]")
    stage.send("session.jump", event_id="c1")
    stage.send("session.thinking.append", event_id="c2", content="Hi")
    stage.send("session.thinking.append", event_id="c3", content="Hi", delegation_id=None, role="user")
    stage.send("session.input_audio.mute", event_id="c4", now=True)
    stage.send("session.start", event_id="c5", session={})
    stage.send("session.input_audio.append", event_id="c6", audio="")
    stage.send("session.output_audio.fixture.play", event_id="c7", audio="")
    stage.send("decision.create", event_id="c8")

    found = [(error["code"], error["param"], error["client_event_id"]) for error in stage.errors()]
    assert found == [
        ("invalid_value", None, None),
        ("invalid_json", None, None),
        ("invalid_value", None, None),
        ("invalid_value", "type", "c1"),
        ("missing_required_parameter", "delegation_id", "c2"),
        ("unknown_parameter", "role", "c3"),
        ("unknown_parameter", "now", "c4"),
        ("session_already_started", "type", "c5"),
        ("invalid_value", "type", "c6"),
        ("unsupported_event", "type", "c7"),
        ("unsupported_event", "type", "c8"),
    ]
    # The refusal of an unknown type lists the known ones.
    assert "'session.commentary.append'" in stage.errors()[3]["message"]


async def test_an_append_has_500_tokens_at_most(begin: Callable[..., LiveStage]) -> None:
    stage = begin()
    stage.send("session.thinking.append", event_id="c1", content="word " * 500, delegation_id=None)
    stage.send("session.thinking.append", event_id="c2", content="word " * 501, delegation_id=None)
    stage.send("session.thinking.append", event_id="c3", content="x" * 16_001, delegation_id=None)
    await stage.hear(1000)

    assert [(error["client_event_id"], error["param"]) for error in stage.errors()] == [
        ("c2", "content"),
        ("c3", "content"),
    ]
    assert stage.types().count("session.thinking.appended") == 1


async def test_appends_do_not_pile_up_while_the_clock_stands(begin: Callable[..., LiveStage]) -> None:
    stage = begin()
    for _ in range(300):
        stage.send("session.thinking.append", content="Hi", delegation_id=None)

    assert len(stage.errors()) == 300 - 256
    assert {error["code"] for error in stage.errors()} == {"rate_limit_exceeded"}


async def test_items_of_the_backend_are_checked(begin: Callable[..., LiveStage]) -> None:
    stage = begin(delegation=responses())
    image = {"type": "input_image", "image_url": "https://example.org/cat.png"}
    items: list[dict[str, Any]] = [
        {"type": "reasoning"},
        {"type": "message", "role": "robot", "content": "Hi"},
        {"type": "message", "role": "user", "content": [image]},
        {"type": "function_call_output", "call_id": "call_of_nobody", "output": ""},
    ]
    for item in items:
        stage.send("response.item.create", item=item)

    assert [error["param"] for error in stage.errors()] == [
        "item.type",
        "item.role",
        "item.content[0].image_url",
        "item.call_id",
    ]


async def test_an_invalid_piece_of_audio_does_not_move_the_clock(begin: Callable[..., LiveStage]) -> None:
    stage = begin(plays=False)
    stage.send("session.input_audio.append", audio="no base64")
    stage.send("session.input_audio.append", audio=base64.b64encode(b"odd").decode())
    assert (len(stage.errors()), stage.engine.clock_ms) == (2, 0)
    stage.send("session.input_audio.append", audio=base64.b64encode(bytes(48_000)).decode())

    assert stage.engine.clock_ms == 1000


async def test_nothing_is_sent_for_noise_or_speech_that_cannot_be_recognized(begin: Callable[..., LiveStage]) -> None:
    stage = begin()
    await stage.say("")
    await stage.hear(1000)
    assert stage.types() == ["session.started"]
    await stage.say("!")  # the scripted recognizer fails
    await stage.until("error")

    assert stage.errors()[0]["code"] == "recognition_failed"
    assert "ears" not in stage.errors()[0]["message"]


def test_the_server_knows_or_refuses_every_event_of_a_client() -> None:
    from rtc_widget.server.protocols.live.client_events import LIVE_EVENTS, NOT_SERVED

    assert live_client_event_types() == LIVE_EVENTS.keys() | NOT_SERVED.keys()


def test_every_event_of_the_server_is_one_of_the_api() -> None:
    from rtc_widget.server.protocols.live.server_events import LIVE_FIELDS

    since_3_57 = {"session.paused", "session.resumed"}
    assert LIVE_FIELDS.keys() <= live_server_event_types() | since_3_57
    never = {kind for kind in live_server_event_types() - LIVE_FIELDS.keys() if not kind.startswith("transport.")}
    assert {kind.split(".")[0] for kind in never} == {"decision", "session"}
    assert {kind for kind in never if kind.startswith("session")} == {
        "session.output_audio.fixture.playing",
        "session.output_audio.fixture.played",
    }
