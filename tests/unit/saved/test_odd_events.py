"""Events of odd form are passed over alike in a call, in its saved file, and in a call that resumes it."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from rtc_widget import VoiceChat
from rtc_widget.conversation.transcript import Transcript
from rtc_widget.headless.resumption import Resumption
from rtc_widget.protocols.realtime.protocol import PROTOCOL
from rtc_widget.testing import ScriptedPage
from rtc_widget.testing.scripted_server import ScriptedCall, ScriptedResponse, ServerScript
from tests.unit.waiting import settled

ODD: list[Any] = [None, True, 0, -1, 1e308, 10**400, "", "odd", [], [[]], [None, 7], {}, {"id": []}, {"type": {}}]
USAGE = {"total_tokens": 9, "input_tokens": 4, "output_tokens": 5, "output_token_details": {"audio_tokens": 5}}


def conversation() -> list[dict[str, Any]]:
    """Return the events of a whole conversation."""
    script = ServerScript()
    script.responses += [
        ScriptedResponse("ICE finds a way.", usage=USAGE),
        ScriptedResponse(calls=(ScriptedCall("get_weather", {"city": "Ulm"}),)),
        ScriptedResponse("Rain.", spoken=False),
        ScriptedResponse(error="Too busy."),
    ]
    steps = [
        *script.begin({"instructions": "", "tools": [{"name": "get_weather"}], "audio": {"output": {"voice": "x"}}}),
        *script.user_turn("What is ICE?"),
        *script.next_response(),
        *script.user_turn("And the weather?"),
        *script.next_response(),
        *script.next_response(),
        *script.react({"type": "session.update", "session": {"voice": "y"}}),
        {"type": "output_audio_buffer.cleared", "response_id": "resp_1"},
        {"type": "conversation.item.truncated", "item_id": "item_2", "audio_end_ms": 300},
        {"type": "conversation.item.deleted", "item_id": "item_1"},
        *script.next_response(),
        {"type": "error", "error": {"type": "x", "code": "y", "message": "z", "param": None}},
    ]
    return [step for step in steps if isinstance(step, dict)]


def spoiled(event: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Return an event with an odd value in a random place, or without the field."""
    event = copy.deepcopy(event)
    place: Any = event
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = rng.choice([key for key in keys if key != "type"] or keys)
        if isinstance(place[key], (dict, list)) and place[key] and rng.random() < 0.7:
            place = place[key]
            continue
        if isinstance(place, dict) and rng.random() < 0.1:
            del place[key]
        else:
            place[key] = copy.deepcopy(rng.choice(ODD))
        return event


@pytest.mark.parametrize(
    "event",
    [
        {
            "type": "conversation.item.done",
            "item": {
                "id": "i1",
                "type": "message",
                "role": "assistant",
                "status": [],
                "content": [{"type": "output_text", "text": "Hi"}],
            },
        },
        {"type": "session.created", "session": []},
        {"type": "session.updated"},
        {"type": "session.created", "session": {"tools": 7, "audio": []}},
        {"type": "response.done", "response": {"id": [], "status": {}, "output": [[]], "usage": []}},
    ],
    ids=lambda event: json.dumps(event)[:60],
)
async def test_an_odd_event_is_passed_over_live_and_loaded(event, chat, page, tmp_path):
    page.hello()
    page.connected()
    page.events({"type": "session.created", "session": {"model": "m"}})
    page.events(event)
    await compare(chat, page, tmp_path)


def test_an_odd_event_does_not_end_the_turns(monkeypatch, caplog):
    def fails(turns: object, event: object, now: object) -> None:
        raise TypeError("unhashable")

    transcript = Transcript()
    with monkeypatch.context() as patch:
        patch.setattr("rtc_widget.protocols.realtime.transcript_reducer.RealtimeTurns.add", fails)
        transcript.add({"type": "odd"})
    transcript.add({"type": "response.output_text.done", "item_id": "i1", "text": "Hi"})
    assert [turn.text for turn in transcript] == ["Hi"]
    assert "unexpected form" in caplog.text


@pytest.mark.parametrize("seed", range(60))
async def test_what_is_folded_live_equals_what_is_folded_from_the_file(seed, tmp_path):
    rng = random.Random(seed)
    page = ScriptedPage(acts=False)
    chat = VoiceChat(page=page)
    page.hello()
    page.connected()
    for event in conversation():
        page.events(spoiled(event, rng) if rng.random() < 0.4 else event)
    await compare(chat, page, tmp_path)
    chat.close()


async def compare(chat: VoiceChat, page: ScriptedPage, tmp_path: Any) -> None:
    page.state("a1", status="idle", data_channel_state="closed")
    await settled()
    loaded = VoiceChat.load(chat.save(tmp_path / "session.zip"))
    assert [event.raw for event in loaded.events] == [event.raw for event in chat.events]
    assert list(loaded.transcript) == list(chat.transcript)
    assert loaded.session == chat.session
    assert loaded.usage.entries == chat.usage.entries
    assert list(loaded.latency()) == list(chat.latency())
    for thing in (loaded.transcript, loaded.events, loaded.session, loaded.usage, loaded.latency(), *loaded.events):
        assert repr(thing)
        assert getattr(thing, "_repr_html_", lambda: "x")()
    resumption = Resumption(PROTOCOL)
    resumption.begin_call(resumes=False)
    for event in chat.events:
        resumption.consume(event, "")
    assert [turn.text for turn in resumption.transcript] == [turn.text for turn in chat.transcript]
