"""The flows of a Live session, their whole sequence, and every event judged by OpenAI's own models."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np

from rtc_widget.server.responders.responder import IncompleteResponse, RequestedToolCall
from tests.unit.server.live_stage import ROLL, SILENT_STEP, LiveStage, nested_type, responses

BeginLive = Callable[..., LiveStage]

HEARD = "session.input_transcript.delta"
SAID = "session.output_transcript.delta"
CREATED = ["response.created", "response.in_progress"]
CALLED = [
    "response.output_item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.done",
]
WRITTEN_BEGIN = ["response.output_item.added", "response.content_part.added"]
WRITTEN_END = ["response.output_text.done", "response.content_part.done", "response.output_item.done"]


def written(pieces: int) -> list[str]:
    return [*WRITTEN_BEGIN, *["response.output_text.delta"] * pieces, *WRITTEN_END]


def calls_of(stage: LiveStage) -> list[dict[str, Any]]:
    """Return the function calls as a client finds them."""
    done = [event["event"]["item"] for event in stage.events if nested_type(event) == "response.output_item.done"]
    return [item for item in done if item["type"] == "function_call"]


def once(kinds: list[str]) -> list[str]:
    """Return the types without repetitions: how many fragments a text has follows from its length."""
    return [kind for at, kind in enumerate(kinds) if not at or kinds[at - 1] != kind]


async def test_a_spoken_turn(begin_live: BeginLive) -> None:
    stage = begin_live()
    await stage.hear(1000)
    await stage.say("What is Opus?")
    await stage.until_quiet()

    assert once(stage.types()) == ["session.started", HEARD, SAID]
    assert stage.transcript("input") == "What is Opus?"
    assert stage.transcript("output") == "Opus is a codec. It is good."
    heard, said = (
        [(event["start_ms"], event["end_ms"]) for event in stage.events if event["type"] == kind]
        for kind in (HEARD, SAID)
    )
    # One fragment at most for each step of 200 ms, in order; heard while it was said, before anything was answered.
    for spans in (heard, said):
        assert all((end - start, start % 200) == (200, 0) for start, end in spans)
        assert spans == sorted(set(spans))
    assert heard[0][0] >= 800
    assert 1600 <= heard[-1][1] <= 1800
    assert said[0][0] >= 2000


async def test_the_words_are_told_as_they_are_played(begin_live: BeginLive) -> None:
    stage = begin_live()
    stage.responder.says = ["One two three four five six seven eight nine ten eleven twelve."]
    await stage.say("Count.")
    await stage.until(SAID)
    early = stage.transcript("output")
    await stage.until_quiet()
    spans = [event["start_ms"] for event in stage.events if event["type"] == SAID]

    assert early.split()[0] == "One"
    assert "twelve" not in early
    assert len(spans) >= 3
    assert stage.transcript("output").endswith("eleven twelve.")


async def test_without_input_audio_nothing_is_said_or_acknowledged(begin_live: BeginLive) -> None:
    stage = begin_live()
    stage.send("session.commentary.append", content="The die shows four.", delegation_id=None)
    for playback in stage.playbacks:
        playback.read(48_000)
    standing = stage.types()
    stage.engine.audio_is_late(30.0)
    later = stage.types()
    await stage.until_quiet()

    assert standing == later == ["session.started"]
    assert once(stage.types()) == ["session.started", "session.commentary.appended", SAID]


async def test_an_interruption_has_no_event_and_takes_nothing_back(begin_live: BeginLive) -> None:
    stage = begin_live()
    stage.responder.says = ["One two three four five six seven eight nine ten eleven twelve. ", "And thirteen."]
    await stage.say("Count.")
    await stage.until(SAID, count=2)
    before = stage.playbacks[-1]
    stage.responder.says = ["Stopped."]
    await stage.say("Stop!")
    await stage.until_quiet()

    assert set(stage.types()) == {"session.started", HEARD, SAID}
    assert before.is_over
    said = stage.transcript("output")
    assert said.startswith("One two")
    assert "thirteen" not in said
    assert said.endswith("Stopped.")
    # The responder knows what was played of it.
    played = stage.responder.asked[1].conversation.items[1]
    assert said.startswith(getattr(played, "text", None) or "nothing")


async def test_the_three_appends_on_the_clock(begin_live: BeginLive) -> None:
    stage = begin_live()
    await stage.hear(500)
    for number, kind in enumerate(("thinking", "instructions", "commentary")):
        content = ["The user is new.", "Speak slowly.", "The die shows four."][number]
        stage.send(f"session.{kind}.append", event_id=f"c{number}", content=content, delegation_id=None)
    await stage.until_quiet()
    acks = [event for event in stage.events if event["type"].endswith(".appended")]

    assert [(event["type"], event["client_event_id"]) for event in acks] == [
        ("session.thinking.appended", "c0"),
        ("session.instructions.appended", "c1"),
        ("session.commentary.appended", "c2"),
    ]
    assert [(event["start_ms"], event["end_ms"]) for event in acks] == [(1000, 1200), (1200, 1400), (1400, 1600)]
    assert stage.transcript("output") == "The die shows four."
    await stage.say("Hello?")
    await stage.until_quiet()
    assert stage.responder.asked[0].instructions.endswith("The user is new.\n\nSpeak slowly.")


async def test_a_greeting_exact_words_and_a_stop(begin_live: BeginLive) -> None:
    stage = begin_live()

    def instruct(content: str) -> None:
        stage.send("session.instructions.append", content=content, delegation_id=None)

    stage.responder.says = ["Welcome!"]
    instruct("Greet the caller now in English, in one sentence, then listen.")
    await stage.until_quiet()
    instruct('Say exactly: "Ready when you are."')
    await stage.until_quiet()
    assert stage.transcript("output") == "Welcome! Ready when you are."
    assert stage.responder.asked[0].text == ""
    stage.send("session.commentary.append", content="word " * 60, delegation_id=None)
    await stage.until(SAID, count=stage.types().count(SAID) + 1)
    instruct("Stop speaking now and listen.")
    await stage.until_quiet()

    assert 0 < stage.transcript("output").count("word") < 60


async def test_muting_makes_the_user_silent_but_not_the_clock(begin_live: BeginLive) -> None:
    stage = begin_live()
    stage.send("session.input_audio.mute", event_id="c1")
    await stage.say("What is Opus?")
    await stage.hear(1000)
    stage.send("session.input_audio.unmute", event_id="c2")
    await stage.say("What is ICE?")
    await stage.until_quiet()

    assert once(stage.types()) == [
        "session.started",
        "session.input_audio.muted",
        "session.input_audio.unmuted",
        HEARD,
        SAID,
    ]
    assert [event.get("client_event_id") for event in stage.events[1:3]] == ["c1", "c2"]
    assert stage.transcript("input") == "What is ICE?"


async def test_client_delegation(begin_live: BeginLive) -> None:
    stage = begin_live(instructions="Delegate every question to the backend.")
    await stage.say("Roll a die.")
    created = await stage.until("session.delegation.created")
    await stage.until(SAID)
    await stage.hear(600)
    answer = {"content": "The die shows four.", "delegation_id": created["delegation"]["id"]}
    stage.send("session.commentary.append", event_id="c5", **answer)
    await stage.until("session.commentary.appended")
    await stage.until_quiet()

    assert once(stage.types()) == [
        "session.started",
        HEARD,
        "session.delegation.created",
        SAID,
        "session.commentary.appended",
        SAID,
    ]
    assert created["delegation"]["target"] == "client"
    assert "response_id" not in created["delegation"]
    assert stage.transcript("output") == "One moment. The die shows four."
    assert stage.responder.asked == []
    stage.send("session.commentary.append", event_id="c6", content="Again.", delegation_id="item_of_nobody")
    error = stage.errors()[0]
    assert (error["param"], error["client_event_id"]) == ("delegation_id", "c6")


async def test_a_quick_result_needs_no_acknowledgement(begin_live: BeginLive) -> None:
    delegation = {"type": "client", "acknowledgement_delay_ms": 5000}
    stage = begin_live(instructions="Delegate every question to the backend.", delegation=delegation)
    await stage.say("Roll a die.")
    created = await stage.until("session.delegation.created")
    answer = {"content": "The die shows four.", "delegation_id": created["delegation"]["id"]}
    stage.send("session.commentary.append", **answer)
    await stage.until("session.commentary.appended")
    await stage.until_quiet()
    await stage.hear(6000)

    assert stage.transcript("output") == "The die shows four."


async def test_a_delegated_question_without_a_tool(begin_live: BeginLive) -> None:
    stage = begin_live(delegation=responses(instructions="Be brief."))
    await stage.say("What is Opus?")
    await stage.until_quiet()

    assert once(stage.types()) == [
        *["session.started", HEARD, "session.delegation.created"],
        *CREATED,
        *written(1),
        "response.completed",
        SAID,
    ]
    created, completed = await stage.until("session.delegation.created"), await stage.until("response.completed")
    assert created["delegation"]["response_id"] == completed["event"]["response"]["id"]
    assert completed["delegation_id"] == created["delegation"]["id"]
    assert completed["event"]["response"]["output"] == []
    assert completed["event"]["response"]["usage"]["total_tokens"] > 0
    assert stage.responder.asked[0].instructions == "Be brief."
    numbers = [event["event"]["sequence_number"] for event in stage.events if event["type"] == "response.event"]
    assert numbers == list(range(len(numbers)))


async def test_a_delegated_tool(begin_live: BeginLive) -> None:
    stage = begin_live(delegation=responses(tools=[ROLL]))
    stage.responder.says = [RequestedToolCall("roll", "{}")]
    await stage.say("Roll a die.")
    await stage.until("response.completed")
    await stage.until(SAID)
    await stage.hear(600)
    (call,) = calls_of(stage)
    stage.send("response.create", event_id="early")
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "4"}
    stage.send("response.item.create", item=output)
    stage.send("response.item.create", item=output)  # repeated, as after a reconnect
    stage.responder.says = ["It shows four."]
    stage.send("response.create", event_id="c7")
    await stage.until_quiet()

    assert once(stage.types()) == [
        *["session.started", HEARD, "session.delegation.created"],
        *[*CREATED, *CALLED, "response.completed", SAID, "error"],
        *[*CREATED, *written(1), "response.completed", SAID],
    ]
    assert stage.errors()[0]["code"] == "function_call_outputs_required"
    assert stage.errors()[0]["client_event_id"] == "early"
    assert len({event["delegation_id"] for event in stage.events if event["type"] == "response.event"}) == 1
    assert (await stage.until("response.created", count=2))["client_event_id"] == "c7"
    assert stage.transcript("output") == "One moment. It shows four."
    assert [tool.name for tool in stage.responder.asked[0].tools] == ["roll"]


async def test_two_tools_and_speech_that_is_held_meanwhile(begin_live: BeginLive) -> None:
    stage = begin_live(delegation={**responses(tools=[ROLL]), "acknowledgement_delay_ms": 60_000})
    stage.responder.says = [RequestedToolCall("roll", "{}"), RequestedToolCall("roll", '{"sides": 8}')]
    await stage.say("Roll two dice.")
    await stage.until("response.completed")
    await stage.say("And what is Opus?")
    await stage.hear(2000)
    assert stage.types().count("session.delegation.created") == 1
    stage.responder.says = ["Done."]
    for number, call in enumerate(calls_of(stage)):
        item = {"type": "function_call_output", "call_id": call["call_id"], "output": str(number)}
        stage.send("response.item.create", item=item)
    stage.send("response.create")
    await stage.until("session.delegation.created", count=2)
    await stage.until_quiet()

    assert [question.text for question in stage.responder.asked] == ["Roll two dice."] * 2 + ["And what is Opus?"]
    assert stage.types().count("response.completed") == 3
    assert stage.transcript("output") == "Done. Done."
    assert stage.errors() == []


async def test_a_typed_question(begin_live: BeginLive) -> None:
    stage = begin_live(delegation=responses())
    stage.send("session.thinking.append", content="The user typed: What is Opus?", delegation_id=None)
    content = [{"type": "input_text", "text": "What is Opus?"}]
    stage.send("response.item.create", item={"type": "message", "role": "user", "content": content})
    stage.send("response.create", event_id="c7")
    await stage.until("session.thinking.appended")
    await stage.until_quiet()

    created = await stage.until("session.delegation.created")
    assert (created["client_event_id"], created["offset_ms"]) == ("c7", 0)
    assert stage.responder.asked[0].text == "What is Opus?"
    assert stage.transcript("output") == "Opus is a codec. It is good."


async def test_a_typed_question_to_the_voice(begin_live: BeginLive) -> None:
    stage = begin_live()
    stage.send("session.thinking.append", content="The user typed: What is Opus?", delegation_id=None)
    reply = "Reply now to what the user typed last."
    stage.send("session.commentary.append", content=reply, delegation_id=None)
    await stage.until("session.commentary.appended")
    await stage.until_quiet()

    assert [question.text for question in stage.responder.asked] == ["What is Opus?"]
    assert stage.transcript("output") == "Opus is a codec. It is good."


async def test_what_the_client_owes_is_refused_elsewhere(begin_live: BeginLive) -> None:
    stage = begin_live()
    stage.send("response.create", event_id="c1")
    stage.send("response.item.create", event_id="c2", item={"type": "message", "role": "user", "content": "Hi"})

    assert [error["message"] for error in stage.errors()] == [
        "`response.create` requires Responses delegation.",
        "`response.item.create` requires Responses delegation.",
    ]
    assert [error["client_event_id"] for error in stage.errors()] == ["c1", "c2"]


async def test_the_queue_of_32_kilobytes(begin_live: BeginLive) -> None:
    stage = begin_live(delegation=responses(tools=[ROLL]))
    stage.responder.says = [RequestedToolCall("roll", "{}")]
    await stage.say("Roll a die.")
    await stage.until("response.completed")
    (call,) = calls_of(stage)
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "x" * 32_768}
    stage.send("response.item.create", event_id="c1", item=output)
    stage.send("response.create", event_id="c2")

    # The result is lost, and every later request fails, as with OpenAI.
    assert [(error["code"], error["client_event_id"]) for error in stage.errors()] == [
        ("response_input_buffer_full", "c1"),
        ("function_call_outputs_required", "c2"),
    ]
    stage.send("response.item.create", item={**output, "output": "4"})
    for _ in range(200):
        stage.send("response.item.create", item={"type": "message", "role": "user", "content": "Hi"})
    assert [error["code"] for error in stage.errors()[2:]] == ["response_input_buffer_full"] * 73


async def test_a_backend_that_fails_and_one_that_is_cut(begin_live: BeginLive) -> None:
    stage = begin_live(delegation=responses(tools=[ROLL]))
    stage.responder.says = [RequestedToolCall("roll", "{}"), ValueError("no dice")]
    await stage.say("Roll a die.")
    failed = (await stage.until("response.failed"))["event"]["response"]
    (call,) = calls_of(stage)
    item = {"type": "function_call_output", "call_id": call["call_id"], "output": "4"}
    stage.send("response.item.create", event_id="late", item=item)
    await stage.until_quiet()
    stage.responder.says = ["Opus is", IncompleteResponse("max_output_tokens")]
    await stage.say("What is Opus?")
    cut = (await stage.until("response.incomplete"))["event"]["response"]
    await stage.until_quiet()

    assert failed["error"] == {"code": "server_error", "message": "no dice"}
    assert [error["client_event_id"] for error in stage.errors()] == ["late"]
    assert cut["incomplete_details"] == {"reason": "max_output_tokens"}
    assert stage.transcript("output").replace("  ", " ") == "Sorry, that did not work. Opus is"


async def test_a_voice_that_fails(begin_live: BeginLive) -> None:
    stage = begin_live()
    stage.responder.says = [ValueError("no words")]
    await stage.say("What is Opus?")
    await stage.until_quiet()

    (error,) = stage.errors()
    assert (error["type"], error["code"], error["message"]) == ("server_error", "responder_failed", "no words")
    assert stage.transcript("output") == "Sorry, that did not work."


async def test_a_redirect_lets_the_backend_run_to_its_end_unspoken(begin_live: BeginLive) -> None:
    stage = begin_live(delegation=responses())
    stage.responder.says = ["One two three four five six seven eight nine ten eleven twelve thirteen. ", "And more."]
    await stage.say("Count.")
    await stage.until(SAID)
    stage.responder.says = ["Opus is a codec."]
    await stage.say("No, what is Opus?")
    await stage.until_quiet()

    assert stage.types().count("response.completed") == 2
    assert "more" not in stage.transcript("output")
    assert stage.transcript("output").endswith("Opus is a codec.")


async def test_what_may_change_and_what_is_fixed(begin_live: BeginLive) -> None:
    stage = begin_live(delegation=responses(tools=[ROLL], instructions="Be brief."))

    def update(event_id: str, **session: Any) -> None:
        stage.send("session.update", event_id=event_id, session=session)

    update("c1", delegation={"type": "responses", "responses": {"tools": [], "tool_choice": "none"}})
    update("c2", delegation={"type": "client"})
    update("c3", delegation=None)
    update("c4", instructions="Be loud.")
    update("c5")

    assert stage.types() == ["session.started", "session.updated", "error", "error", "error", "session.updated"]
    backend = stage.events[1]["session"]["delegation"]["responses"]
    assert (backend["tools"], backend["instructions"], backend["tool_choice"]) == ([], "Be brief.", "none")
    assert [(error["code"], error["param"], error["client_event_id"]) for error in stage.errors()] == [
        ("immutable_field_update", "session.delegation.type", "c2"),
        ("immutable_field_update", "session.delegation.type", "c3"),
        ("unknown_parameter", "session.instructions", "c4"),
    ]
    assert stage.events[-1]["client_event_id"] == "c5"
    assert stage.events[-1]["session"]["delegation"]["responses"]["tools"] == []


async def test_usage_every_15_seconds_of_the_clock(begin_live: BeginLive) -> None:
    stage = begin_live()
    await stage.hear(14_980)
    assert stage.types() == ["session.started"]
    await stage.hear(15_040)

    assert stage.types() == ["session.started", "session.usage.updated", "session.usage.updated"]
    # Cumulative.
    assert [event["usage"]["seconds"] for event in stage.events[1:]] == [15, 30]
    assert 0 <= stage.events[1]["context_window"]["usage_ratio"] < 0.01


async def test_an_idle_pause_that_speech_ends(begin_live: BeginLive) -> None:
    stage = begin_live(idle_timeout_s=5, wake_policy={"type": "speech", "vad_threshold": 0.8})
    await stage.hear(12_000)
    await stage.hear(600, np.full_like(SILENT_STEP, 0.7))  # too quiet to wake it
    assert stage.types() == ["session.started", "session.paused"]
    await stage.say("What is Opus?")
    await stage.until_quiet()
    stage.send("session.close")

    assert once(stage.types()) == [
        "session.started",
        "session.paused",
        "session.resumed",
        HEARD,
        SAID,
        "session.closed",
    ]
    usage = stage.events[-1]["usage"]
    assert usage["paused_seconds"] == 7
    assert usage["active_seconds"] + usage["paused_seconds"] == usage["seconds"]


async def test_closing(begin_live: BeginLive) -> None:
    stage = begin_live()
    await stage.hear(3000)
    stage.send("session.commentary.append", event_id="c1", content="Never said.", delegation_id=None)
    stage.send("session.close", event_id="c9")
    stage.send("session.input_audio.mute", event_id="late")
    await stage.hear(2000)

    assert stage.types() == ["session.started", "error", "session.closed", "error"]
    assert [(error["code"], error["client_event_id"]) for error in stage.errors()] == [
        ("context_injection_incomplete", "c1"),
        ("session_closed", "late"),
    ]
    closed = stage.events[2]
    assert (closed["reason"], closed["client_event_id"], closed["usage"]["seconds"]) == ("close_requested", "c9", 3)
    assert closed["session"]["status"] == "active"
    assert stage.closed == 1


async def test_the_other_reasons_of_an_end(begin_live: BeginLive) -> None:
    expired, lost, hung_up = begin_live(), begin_live(), begin_live()
    expired.engine.expire()
    assert lost.engine.close("connection_lost")
    assert hung_up.engine.close("remote_hangup")
    assert not hung_up.engine.close("close_requested")

    reasons = [stage.events[-1]["reason"] for stage in (expired, lost, hung_up)]
    assert reasons == ["expired", "connection_lost", "remote_hangup"]


async def test_the_rules_of_a_data_channel(begin_live: BeginLive) -> None:
    rules = {
        "allowed_client_events": ["session.close"],
        "allowed_server_events": [
            {"type": "session.closed"},
            {"type": "response.event", "response_event": "response.completed"},
        ],
    }
    stage = begin_live(client={"data_channel": rules}, delegation=responses())
    stage.attach()
    stage.send("session.input_audio.mute", event_id="c1")
    stage.send("session.input_audio.mute", event_id="s1", by_sideband=True)
    stage.send("session.input_audio.unmute", by_sideband=True)
    await stage.say("What is Opus?")
    await stage.until_quiet()
    stage.send("session.close")

    assert stage.types() == ["info", "error", "response.completed", "session.closed"]
    assert stage.events[0]["code"] == "data_channel_permissions"
    assert stage.errors()[0]["client_event_id"] == "c1"
    seen = [nested_type(event) or event["type"] for event in stage.sideband]
    assert seen[:3] == ["session.started", "session.input_audio.muted", "session.input_audio.unmuted"]
    assert {HEARD, SAID, "session.delegation.created", "response.completed", "session.closed"} <= set(seen)


async def test_a_sideband_gets_the_sound_of_both(begin_live: BeginLive) -> None:
    stage = begin_live()
    stage.attach()
    stage.send("session.input_audio.mute", by_sideband=True)
    await stage.hear(200, np.full_like(SILENT_STEP, 0.5))
    stage.send("session.commentary.append", by_sideband=True, content="Opus is a codec.", delegation_id=None)
    await stage.until("session.commentary.appended")
    await stage.until_quiet()

    kinds = {event["type"] for event in stage.events}
    assert not kinds & {"session.input_audio.append", "session.output_audio.delta"}
    first = next(event for event in stage.sideband if event["type"] == "session.input_audio.append")
    samples = pcm_of_event(first["audio"])
    # Before muting, in 24 kHz.
    assert len(samples) == 480
    assert abs(np.median(samples) / 32767 - 0.5) < 0.02
    said = [event for event in stage.sideband if event["type"] == "session.output_audio.delta"]
    sound = np.concatenate([pcm_of_event(event["delta"]) for event in said])
    assert len(sound) == len(said) * 4800
    # 16 characters of 10 ms each, as the scripted speaker has them.
    assert abs(np.count_nonzero(sound) - 16 * 240) < 50
    assert all(event["end_ms"] - event["start_ms"] == 200 for event in said)


def pcm_of_event(audio: str) -> np.ndarray[Any, Any]:
    return np.frombuffer(base64.b64decode(audio), "<i2")


async def test_a_primary_websocket(begin_live: BeginLive) -> None:
    stage = begin_live(plays=False, audio={"format": {"type": "audio/pcm", "rate": 16_000}})
    loud, silent = np.full(9600, 0.9, np.float32), np.zeros(16_000, np.float32)
    stage.append(loud, rate=16_000)
    stage.append(silent, rate=16_000)
    await stage.until("session.output_transcript.delta")
    await stage.until_quiet()
    stage.send("session.close")

    assert set(stage.types()) == {"session.started", HEARD, "session.output_audio.delta", SAID, "session.closed"}
    sound = [event for event in stage.events if event["type"] == "session.output_audio.delta"]
    assert {len(pcm_of_event(event["delta"])) for event in sound} == {3200}
    # The sound of a step comes before its words.
    kinds = stage.types()
    assert kinds.index("session.output_audio.delta") < kinds.index(SAID)


async def test_a_history(begin_live: BeginLive) -> None:
    history = [
        {"role": "developer", "content": [{"type": "input_text", "text": "The caller is Ada."}]},
        {"role": "user", "content": [{"type": "input_text", "text": "What is Opus?"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "A codec."}]},
    ]
    stage = begin_live(input=history, instructions="Be brief.")
    await stage.say("Who made it?")
    await stage.until_quiet()

    (question,) = stage.responder.asked
    assert question.text == "Who made it?"
    assert [getattr(item, "text", "") for item in question.conversation.items[:4]] == [
        "The caller is Ada.",
        "What is Opus?",
        "A codec.",
        "Who made it?",
    ]
    assert stage.events[0]["session"]["input"] == [{"type": "message", **message} for message in history]
