"""The flows of what a person says, their whole sequence, and every event judged by OpenAI's own models."""

from __future__ import annotations

import asyncio
import base64
import threading

import numpy as np
import pytest

from tests.conformance.sequences import (
    BEGIN,
    ITEM,
    MESSAGE_ADDED,
    MESSAGE_DONE,
    PUSH_TO_TALK,
    RESPONSE,
    SPOKEN,
    TRANSCRIPTION,
    TURN,
    Begin,
)
from tests.unit.server.stage import SILENCE, SPEECH


async def test_a_voice_turn(begin: Begin) -> None:
    stage = begin()
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE]))
    await stage.until("response.done")
    stage.play_out()

    played = ["output_audio_buffer.started", "output_audio_buffer.stopped"]
    assert stage.types() == [*BEGIN, *TURN, *TRANSCRIPTION, *RESPONSE, *SPOKEN, "response.done", *played]


async def test_a_barge_in(begin: Begin) -> None:
    stage = begin()
    stage.responder.says = ["Opus is a codec. It", "…"]
    stage.ask("What is Opus?")
    await stage.until("response.output_audio_transcript.delta")
    stage.playbacks[0].read(960)
    stage.engine.receive_audio(SPEECH)
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
    stage.engine.receive_audio(SPEECH)
    await stage.until("conversation.item.truncated")

    assert stage.types()[-4:] == [
        "output_audio_buffer.started",
        "input_audio_buffer.speech_started",
        "output_audio_buffer.cleared",
        "conversation.item.truncated",
    ]


async def test_a_barge_in_while_the_next_answer_is_being_made(begin: Begin) -> None:
    stage = begin()
    stage.ask("What is Opus?")
    first = (await stage.until("response.done"))["response"]
    stage.playbacks[0].read(960)
    stage.responder.says = ["ICE finds a way. It", "…"]
    stage.ask("What is ICE?")
    await stage.until("response.output_audio_transcript.delta", count=3)
    stage.engine.receive_audio(SPEECH)
    await stage.until("conversation.item.truncated", count=2)

    assert stage.types()[-10:] == [
        "input_audio_buffer.speech_started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        *MESSAGE_DONE,
        "response.done",
        "output_audio_buffer.cleared",
        "conversation.item.truncated",
        "conversation.item.truncated",
    ]
    second = (await stage.until("response.done", count=2))["response"]
    assert second["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert stage.events[-3]["response_id"] == first["id"]
    ends = [(event["item_id"], event["audio_end_ms"]) for event in stage.events[-2:]]
    assert ends == [(first["output"][0]["id"], 20), (second["output"][0]["id"], 0)]
    assert all(playback.is_over for playback in stage.playbacks)


async def test_push_to_talk(begin: Begin) -> None:
    stage = begin(**PUSH_TO_TALK)
    stage.engine.receive_audio(SILENCE)
    stage.send("input_audio_buffer.clear")
    stage.engine.receive_audio(SPEECH)
    stage.send("input_audio_buffer.commit")
    stage.send("response.create")
    await stage.until("response.done")

    assert stage.types() == [
        *[*BEGIN, "input_audio_buffer.cleared", "input_audio_buffer.committed", *ITEM],
        # The response is created at once and then waits for the words.
        *[*RESPONSE, *TRANSCRIPTION, *SPOKEN, "response.done"],
    ]
    assert stage.responder.asked[0].text == "What is Opus?"
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
    stage.engine.receive_audio(SPEECH)
    stage.send("input_audio_buffer.commit")
    stage.send("response.create")
    await stage.until("response.done")
    stage.engine.receive_audio(SILENCE)

    turn = ["input_audio_buffer.speech_started", "input_audio_buffer.committed", *ITEM]
    assert stage.types() == [*BEGIN, *turn, *RESPONSE, *TRANSCRIPTION, *SPOKEN, "response.done"]
    started = await stage.until("input_audio_buffer.speech_started")
    assert (await stage.until("input_audio_buffer.committed"))["item_id"] == started["item_id"]


async def test_a_turn_that_push_to_talk_cuts_short_is_told_of(begin: Begin) -> None:
    stage = begin()
    stage.engine.receive_audio(SPEECH)
    stage.send("session.update", session={"type": "realtime", **PUSH_TO_TALK})

    ended = ["input_audio_buffer.speech_started", "input_audio_buffer.cleared", "session.updated"]
    assert stage.types() == [*BEGIN, *ended]


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


async def test_one_answer_in_another_format_than_the_session(begin: Begin) -> None:
    stage = begin(plays=False)
    stage.ask("What is Opus?", audio={"output": {"format": {"type": "audio/pcmu"}}})
    done = (await stage.until("response.done"))["response"]

    said = [event["delta"] for event in stage.events if event["type"] == "response.output_audio.delta"]
    assert sum(len(base64.b64decode(delta)) for delta in said) == pytest.approx(0.28 * 8000, abs=80)
    assert done["audio"]["output"]["format"] == {"type": "audio/pcmu"}


async def test_nobody_speaks(begin: Begin) -> None:
    detection = {"type": "server_vad", "idle_timeout_ms": 5000}
    stage = begin(audio={"input": {"turn_detection": detection}})
    stage.engine.receive_audio(np.tile(SILENCE, 6))
    assert stage.types() == BEGIN, "nobody has been answered yet"
    stage.ask("What is Opus?")
    await stage.until("response.done")
    stage.engine.receive_audio(np.tile(SILENCE, 6))
    assert "input_audio_buffer.timeout_triggered" not in stage.types(), "the answer has not been heard yet"
    stage.play_out()
    stage.responder.says = ["Are you ", "still there? ", "Hello!"]
    stage.engine.receive_audio(np.tile(SILENCE, 6))
    await stage.until("response.done", count=2)

    waited = ["input_audio_buffer.timeout_triggered", "input_audio_buffer.committed", *ITEM]
    played = ["output_audio_buffer.started", "output_audio_buffer.stopped"]
    assert stage.types() == [
        *[*BEGIN, *ITEM, *RESPONSE, *SPOKEN, "response.done", *played],
        *[*waited, *RESPONSE, *SPOKEN, "response.done"],
    ]
    triggered = await stage.until("input_audio_buffer.timeout_triggered")
    assert triggered["audio_end_ms"] - triggered["audio_start_ms"] == 5000
    assert stage.responder.asked[1].text == ""


async def test_a_turn_can_be_heard_again(begin: Begin) -> None:
    stage = begin(**PUSH_TO_TALK)
    stage.engine.receive_audio(SPEECH)
    stage.send("input_audio_buffer.commit")
    item_id = (await stage.until("input_audio_buffer.committed"))["item_id"]
    await stage.until(TRANSCRIPTION[1])
    stage.send("conversation.item.retrieve", item_id=item_id)

    content = stage.events[-1]["item"]["content"][0]
    sound = np.frombuffer(base64.b64decode(content["audio"]), "<i2")
    assert content["transcript"] == "What is Opus?"
    assert len(sound) == pytest.approx(24_000, abs=100)
    assert np.median(sound) == pytest.approx(0.9 * 32767, rel=0.01)


async def test_a_recogniser_that_fails(begin: Begin) -> None:
    stage = begin()
    stage.recognizer.hears = "!"
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE]))
    await stage.until("conversation.item.input_audio_transcription.failed")

    assert stage.types() == [*BEGIN, *TURN, "conversation.item.input_audio_transcription.failed"]


async def test_an_unfinished_sentence_is_waited_for_by_semantic_vad(begin: Begin) -> None:
    stage = begin(audio={"input": {"turn_detection": {"type": "semantic_vad"}}})
    stage.recognizer.hears = "I would like to"
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE[:4800]]))
    await stage.recognizes(1)
    stage.engine.receive_audio(np.tile(SILENCE, 2))
    assert stage.types() == [*BEGIN, "input_audio_buffer.speech_started"]
    stage.recognizer.hears = "I would like to know what Opus is."
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE[:4800]]))
    await stage.recognizes(2)
    stage.engine.receive_audio(SILENCE[:6400])
    await stage.until("response.done")

    assert stage.types() == [*BEGIN, *TURN, *TRANSCRIPTION, *RESPONSE, *SPOKEN, "response.done"]


async def test_an_earlier_pause_does_not_judge_what_comes_after(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = begin(audio={"input": {"turn_detection": {"type": "semantic_vad"}}})
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE[:4800]]))
    await asyncio.sleep(0.05)
    known = threading.Event()
    monkeypatch.setattr(stage.recognizer, "recognize", lambda _: "What is Opus? And the" if known.wait(5) else "")
    stage.engine.receive_audio(np.concatenate([SPEECH, SILENCE]))
    assert stage.types() == [*BEGIN, "input_audio_buffer.speech_started"], "nobody knows yet how the words end"
    known.set()
    await asyncio.sleep(0.05)
    stage.engine.receive_audio(np.tile(SILENCE, 2))
    assert stage.types() == [*BEGIN, "input_audio_buffer.speech_started"]
    stage.engine.receive_audio(SILENCE)

    await stage.until("input_audio_buffer.speech_stopped")
