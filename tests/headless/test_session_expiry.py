"""A real call to a server whose sessions last a few seconds."""

from __future__ import annotations

from rtc_widget import OpenAI, Reconnect, VoiceChat
from tests.limits import HANGS, eventually
from tests.unit.server.scripted_server import server_of_two


async def test_a_conversation_continues_when_its_session_expires_and_ends_without_reconnect(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    async with server_of_two(minutes=4 / 60) as address:
        signaling = OpenAI("right", base_url=f"http://{address}/v1")
        chat = VoiceChat(signaling, page="headless", microphone=False, reconnect=Reconnect(backoff=0.1))
        statuses = []
        chat.observe(lambda change: statuses.append(change.new), "status")
        await chat.connect(timeout=HANGS)
        first = chat.call_id
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is ICE?"}]}
        chat.send({"type": "conversation.item.create", "item": item})
        await eventually(lambda: chat.status == "connected" and chat.call_id != first)
        assert statuses[:4] == ["connecting", "connected", "reconnecting", "connected"]

        def confirmed():
            return [
                event.item.content[0].text
                for event in chat.events.of("conversation.item.added", direction="received")
                if event.item.id.startswith("carried_")
            ]

        # On a slow machine another session may have expired already.
        await eventually(lambda: set(confirmed()) == {"What is ICE?"})
        chat.reconnect = None
        await eventually(lambda: chat.status == "error")
        assert chat.error["code"] == "session_expired"
        before = len(confirmed())
        chat.reconnect = Reconnect()
        await chat.connect(timeout=HANGS, resume=True)
        await eventually(lambda: len(confirmed()) > before)
        assert [turn.text for turn in chat.transcript] == ["What is ICE?"]
        await chat.disconnect()
        chat.close()
