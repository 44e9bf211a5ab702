"""Headless calls that end or break, and the calls that resume them."""

from __future__ import annotations

import json
import os
import signal

import pytest

from rtc_widget import EventLog, Local, Reconnect, VoiceChat
from rtc_widget.comm.messages import History
from rtc_widget.errors import ServerHungUp
from rtc_widget.server.process import shared_process
from tests.headless.conftest import ANSWER, QUESTION
from tests.limits import HANGS, eventually


# Alone: the response must be complete long before it has been spoken.
@pytest.mark.alone
async def test_a_response_that_is_cut_by_the_end_of_its_call_is_told_and_carried_as_far_as_it_was_heard(make, tmp_path):
    chat = make(Local(reply=lambda text: " ".join([ANSWER] * 20)), microphone=False)
    await chat.connect(timeout=HANGS)
    chat.send_text("What is a jitter buffer?")
    await chat.wait_for("output_audio_buffer.started", timeout=HANGS)
    if chat.events.last("response.done") is None:
        await chat.wait_for("response.done", timeout=HANGS)
    await chat.disconnect()
    turn = chat.transcript[-1]
    assert (turn.text, turn.status) == (" ".join([ANSWER] * 20), "interrupted")
    assert len(turn.heard) < len(turn.text) / 2
    assert list(VoiceChat.load(chat.save(tmp_path / "session.zip")).transcript) == list(chat.transcript)
    await chat.connect(timeout=HANGS, resume=True)

    def carried():
        items = chat.events.of("conversation.item.create", direction="sent")[1:]
        return [event.item.content[0].text for event in items]

    await eventually(lambda: len(carried()) >= 2)
    question, *heard = carried()
    assert question == "What is a jitter buffer?"
    # The page measures on its own: it may be a word ahead or behind.
    assert abs(len("".join(heard)) - len(turn.heard)) < 20


async def test_a_server_that_dies_is_noticed_and_another_call_goes_on_with_what_was_said(make, monkeypatch):
    monkeypatch.setattr("rtc_widget.headless.peer.SILENT_SECONDS", 3.0)
    chat = make(Local(reply=lambda text: ANSWER), reconnect=Reconnect(grace=0.5, backoff=0.1, attempt_timeout=60))
    statuses = []
    chat.observe(lambda change: statuses.append(change.new), "status")
    await chat.connect(timeout=HANGS)
    chat.send_text(QUESTION)
    await chat.wait_for("output_audio_buffer.stopped", timeout=HANGS)
    first = chat.call_id
    os.kill(shared_process().pid, signal.SIGKILL)
    await eventually(lambda: chat.status == "reconnecting")
    assert chat.connection_state in ("disconnected", "closed")
    await eventually(lambda: chat.status == "connected" and chat.call_id != first)
    assert statuses == ["connecting", "connected", "reconnecting", "connected"]

    def carried():
        items = [event.item for event in chat.events.of("conversation.item.create", direction="sent")]
        return [item.role for item in items if item.get("id", "").startswith("carried_")]

    await eventually(lambda: len(carried()) == 2)
    assert carried() == ["user", "assistant"]
    assert len(chat.transcript) == 2, "what was told to the new call are no new turns"
    chat.send_text("What is ICE?")
    await chat.wait_for("response.done", timeout=HANGS)
    assert [turn.call for turn in chat.transcript] == [1, 1, 2, 2]


async def test_a_conversation_is_resumed_on_request_with_its_functions_and_no_new_turns(make):
    chat = make(Local(reply=lambda text: "It is sunny."), microphone=False)
    await chat.connect(timeout=HANGS)
    call = {"id": "f1", "type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city": "Paris"}'}
    chat.send({"type": "conversation.item.create", "item": call})
    output = {"type": "function_call_output", "call_id": "c1", "output": "Sunny."}
    chat.send({"type": "conversation.item.create", "item": output})
    await chat.ask("What is the weather?", timeout=HANGS)
    await chat.disconnect()
    await chat.connect(timeout=HANGS, resume=True)
    assert chat.status == "connected"

    def confirmed():
        items = [event.item for event in chat.events.of("conversation.item.added", direction="received")]
        return [
            (item.type, item.get("output") or item.get("arguments")) for item in items if item.id.startswith("carried_")
        ]

    await eventually(lambda: len(confirmed()) == 4)
    assert confirmed()[:2] == [("function_call", '{"city": "Paris"}'), ("function_call_output", "Sunny.")]
    assert [kind for kind, _ in confirmed()] == ["function_call", "function_call_output", "message", "message"]
    assert len(chat.transcript) == 2
    assert not chat.errors
    assert chat.error is None
    await chat.ask("And in Rome?", timeout=HANGS)
    assert [turn.call for turn in chat.transcript] == [1, 1, 2, 2]


async def test_a_reply_with_half_a_character_is_spoken_shown_saved_and_repeated(make, tmp_path):
    chat = make(Local(reply=lambda text: "bad \ud83d here"), microphone=False)
    await chat.connect(timeout=HANGS)
    turn = await chat.ask("What?", timeout=HANGS)
    assert turn.text == "bad \ufffd here"
    assert "bad \ufffd here" in chat.transcript.to_markdown()
    chat.events._repr_html_().encode()
    chat.transcript._repr_html_().encode()
    again = EventLog.from_jsonl(chat.events.to_jsonl(tmp_path / "events.jsonl"))
    assert [event.raw for event in again] == [event.raw for event in chat.events]
    await chat.disconnect()
    loaded = VoiceChat.load(chat.save(tmp_path / "session.zip"))
    assert list(loaded.transcript) == list(chat.transcript)
    asked = History(page="p2", id="p2:1", first=0, before=None, brief=False, without=())
    json.dumps(chat._record.history_page(asked), ensure_ascii=False).encode()
    await chat.connect(timeout=HANGS, resume=True)
    assert (await chat.ask("And now?", timeout=HANGS)).text == "bad \ufffd here"
    texts = [event.item.content[0].text for event in chat.events.of("conversation.item.create", direction="sent")]
    assert texts == ["What?", "What?", "bad \ufffd here", "And now?"]
    assert chat.error is None


async def test_without_recovery_a_lost_server_is_an_error(make, monkeypatch):
    monkeypatch.setattr("rtc_widget.headless.peer.SILENT_SECONDS", 1.0)
    chat = make(reconnect=None)
    await chat.connect(timeout=HANGS)
    os.kill(shared_process().pid, signal.SIGKILL)
    await eventually(lambda: chat.status != "connected")
    await eventually(lambda: chat.status in ("error", "reconnecting"))
    await chat.disconnect()
    assert chat.status == "idle"


async def test_consent_that_expires_is_a_lost_connection_and_a_new_call_is_made(make, monkeypatch):
    monkeypatch.setattr("rtc_widget._aiortc.connection.CONSENT_INTERVAL", 0.05)
    monkeypatch.setattr("rtc_widget._aiortc.connection.CONSENT_SECONDS", 0.5)
    chat = make(reconnect=Reconnect(backoff=0.1, attempt_timeout=60))
    statuses = []
    chat.observe(lambda change: statuses.append(change.new), "status")
    await chat.connect(timeout=HANGS)
    first = chat.call_id
    with monkeypatch.context() as lost:
        lost.setattr("aioice.stun.Transaction.response_received", lambda *_: None)
        await eventually(lambda: chat.status != "connected")
    await eventually(lambda: chat.status == "connected" and chat.call_id != first)
    assert statuses == ["connecting", "connected", "reconnecting", "connected"]
    assert chat.error is None


async def test_a_server_that_hangs_up_ends_the_call_with_a_reason(make):
    chat = make()
    await chat.connect(timeout=HANGS)
    await chat._signaling.hang_up(chat.call_id)
    await eventually(lambda: chat.status == "error")
    assert chat.error["code"] == ServerHungUp.code
