"""A call of GPT-Live without a browser: the service is played by a peer with a scripted session."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Any

import pytest

from rtc_widget import Answer, VoiceChat
from rtc_widget.testing.scripted_live_server import LiveServerScript
from rtc_widget.testing.scripted_server import ScriptedResponse
from tests.limits import HANGS, eventually


class LivePeer:
    """The service on loopback; it has no audio of its own."""

    name = "Live peer"
    protocol = "live"
    data_channel_label = "oai-events"
    ice_servers: tuple[Mapping[str, Any], ...] = ()
    delegate = None
    takes_tools = True

    def __init__(self) -> None:
        self.responses: deque[ScriptedResponse] = deque()
        self.sessions: list[Mapping[str, Any]] = []
        self.hung_up: list[str] = []
        self._connection: Any = None

    async def prepare(self, progress: Any) -> None:
        pass

    async def exchange(self, offer: str, session: Mapping[str, Any]) -> Answer:
        from aiortc import RTCPeerConnection, RTCSessionDescription

        script = LiveServerScript(self.responses, {})
        self.sessions.append(session)
        self._connection = connection = RTCPeerConnection()

        @connection.on("datachannel")
        def opened(channel: Any) -> None:
            def send(steps: Any) -> None:
                for event in steps:
                    if isinstance(event, dict):
                        channel.send(json.dumps(event))

            channel.on("message", lambda text: send(script.react(json.loads(text))))
            send(script.begin(session))

        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        return Answer(connection.localDescription.sdp, f"live_{len(self.sessions)}")

    async def hang_up(self, call_id: str) -> None:
        self.hung_up.append(call_id)
        await self._connection.close()


async def test_a_call_is_held_closed_in_an_orderly_way_and_resumed():
    pytest.importorskip("aiortc")
    service = LivePeer()
    chat = VoiceChat(service, page="headless", microphone=False, instructions="Speak plainly.")
    await chat.connect(timeout=HANGS)
    service.responses.append(ScriptedResponse("It is nine."))
    turn = await chat.ask("What is 4 + 5?", timeout=HANGS, audio=False)
    assert turn.text == "It is nine."
    await chat.inform("The user is a student.", timeout=HANGS)
    await chat.disconnect(timeout=HANGS)
    assert chat.events.last("session.closed").reason == "close_requested"
    assert chat.usage.seconds > 0
    await eventually(lambda: service.hung_up == ["live_1"])

    await chat.connect(timeout=HANGS, resume=True)
    assert [message["role"] for message in service.sessions[1]["input"]] == ["user", "assistant"]
    assert service.sessions[1]["instructions"] == "Speak plainly."
    await eventually(lambda: len(chat.events.of("session.started")) == 2)
    types = [event.type for event in chat.events.of("*", direction="sent")]
    assert types.count("session.close") == 1
    assert "conversation.item.create" not in types
    await chat.disconnect(timeout=HANGS)
    await eventually(lambda: service.hung_up == ["live_1", "live_2"])
    chat.close()
