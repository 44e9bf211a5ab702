"""A real call to a server whose sessions last half an hour, unless the test ends them."""

from __future__ import annotations

from typing import Any

import pytest

from rtc_widget import OpenAI, Reconnect, VoiceChat
from rtc_widget.server.transport.registry import CallRegistry
from tests.limits import HANGS, eventually
from tests.unit.server.scripted_server import server_of_two


@pytest.fixture
def registries(monkeypatch: pytest.MonkeyPatch) -> list[CallRegistry]:
    """Return the calls of each server that this test starts."""
    made: list[CallRegistry] = []

    class Registry(CallRegistry):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr("rtc_widget.server.http.app.CallRegistry", Registry)
    return made


async def test_a_conversation_continues_when_its_session_expires_and_ends_without_reconnect(monkeypatch, registries):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    async with server_of_two(minutes=30) as address:
        [calls] = registries
        signaling = OpenAI("right", base_url=f"http://{address}/v1")
        chat = VoiceChat(signaling, page="headless", microphone=False, reconnect=Reconnect(backoff=0.1))
        statuses = []
        chat.observe(lambda change: statuses.append(change.new), "status")

        def confirmed(prefix=""):
            events = chat.events.of("conversation.item.added", direction="received")
            return [event.item.content[0].text for event in events if event.item.id.startswith(prefix)]

        await chat.connect(timeout=HANGS)
        first = chat.call_id
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is ICE?"}]}
        chat.send({"type": "conversation.item.create", "item": item})
        await eventually(lambda: confirmed() == ["What is ICE?"])
        await calls.find(first).expire()
        await eventually(lambda: chat.status == "connected" and chat.call_id not in (first, None))
        assert statuses == ["connecting", "connected", "reconnecting", "connected"]
        await eventually(lambda: confirmed("carried_") == ["What is ICE?"])

        chat.reconnect = None
        await calls.find(chat.call_id).expire()
        await eventually(lambda: chat.status == "error")
        assert chat.error["code"] == "session_expired"

        chat.reconnect = Reconnect()
        await chat.connect(timeout=HANGS, resume=True)
        await eventually(lambda: confirmed("carried_") == ["What is ICE?"] * 2)
        assert [turn.text for turn in chat.transcript] == ["What is ICE?"]
        await chat.disconnect()
        chat.close()
