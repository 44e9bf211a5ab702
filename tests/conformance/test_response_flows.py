"""The flows of a response, their whole sequence, and every event judged by OpenAI's own models."""

from __future__ import annotations

import asyncio

from tests.conformance.sequences import BEGIN, ITEM, MESSAGE_DONE, RESPONSE, WRITTEN, Begin


async def test_a_text_turn(begin: Begin) -> None:
    stage = begin(output_modalities=["text"])
    stage.ask("What is Opus?")
    await stage.until("response.done")

    assert stage.types() == [*BEGIN, *ITEM, *RESPONSE, *WRITTEN, "response.done"]


async def test_cancelling(begin: Begin) -> None:
    stage = begin()
    stage.responder.says = ["Opus is a codec. It", "…"]
    stage.ask("What is Opus?")
    await stage.until("response.output_audio_transcript.delta")
    stage.playbacks[0].read(960)
    stage.send("response.cancel")
    stage.send("output_audio_buffer.clear")
    await stage.until("conversation.item.truncated")
    stage.send("response.cancel", event_id="late")

    assert stage.types()[-10:] == [
        "output_audio_buffer.started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        *MESSAGE_DONE,
        "response.done",
        "output_audio_buffer.cleared",
        "conversation.item.truncated",
        "error",
    ]
    error = stage.events[-1]["error"]
    assert (error["code"], error["event_id"]) == ("response_cancel_not_active", "late")


async def test_an_out_of_band_response(begin: Begin) -> None:
    stage = begin(output_modalities=["text"])
    stage.ask("What is Opus?")
    question = (await stage.until("conversation.item.done"))["item"]
    await stage.until("response.done")
    stage.responder.says = ["codec", "s"]
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
    assert stage.responder.asked[1].text == "What is Opus? In one word?"
    assert stage.responder.asked[1].instructions == "Classify."
    stage.send("conversation.item.retrieve", item_id=done["output"][0]["id"])
    assert stage.events[-1]["error"]["code"] == "item_retrieve_invalid_item_id"


async def test_an_out_of_band_response_beside_another(begin: Begin) -> None:
    stage = begin(output_modalities=["text"])
    stage.responder.says = ["…"]
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
    assert stage.responder.asked[1].text == ""
    assert stage.responder.asked[1].conversation.items == ()


async def test_clearing_an_out_of_band_answer_that_can_be_heard(begin: Begin) -> None:
    stage = begin()
    stage.send("response.create", response={"conversation": "none", "input": []})
    done = (await stage.until("response.done"))["response"]
    stage.playbacks[0].read(960)
    stage.send("output_audio_buffer.clear")
    cleared = await stage.until("output_audio_buffer.cleared")

    assert stage.types()[-3:] == ["response.done", "output_audio_buffer.started", "output_audio_buffer.cleared"]
    assert cleared["response_id"] == done["id"]
    assert stage.playbacks[0].is_over


async def test_clearing_an_answer_and_the_one_behind_it(begin: Begin) -> None:
    stage = begin()
    stage.ask("What is Opus?")
    first = (await stage.until("response.done"))["response"]
    stage.playbacks[0].read(960)
    stage.ask("What is ICE?")
    second = (await stage.until("response.done", count=2))["response"]
    stage.send("output_audio_buffer.clear")
    await stage.until("conversation.item.truncated", count=2)

    # The second never began to be heard, so that there was nothing of it to clear.
    cleared, *truncated = stage.events[-3:]
    assert (cleared["type"], cleared["response_id"]) == ("output_audio_buffer.cleared", first["id"])
    ends = [(event["type"], event["item_id"], event["audio_end_ms"]) for event in truncated]
    assert ends == [
        ("conversation.item.truncated", first["output"][0]["id"], 20),
        ("conversation.item.truncated", second["output"][0]["id"], 0),
    ]
    assert all(playback.is_over for playback in stage.playbacks)


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
    stage.responder.says = [ValueError("no idea")]
    stage.ask("What is Opus?")
    done = (await stage.until("response.done"))["response"]

    assert stage.types() == [*BEGIN, *ITEM, *RESPONSE, "response.done"]
    assert done["status_details"]["error"] == {"type": "server_error", "code": "responder_failed", "message": "no idea"}
