"""A headless call of GPT-Live with the embedded server's own protocol, whose engines are scripted."""

from __future__ import annotations

import pytest

from rtc_widget import VoiceChat
from tests.conformance.test_live_pydantic_ai import Roller
from tests.limits import HANGS, eventually
from tests.unit.server.scripted_server import server_of_two
from tests.unit.server.transport.test_live_calls import ByHttp


class LiveSignaling(ByHttp):
    """The same for a chat, which asks for the protocol."""

    protocol = "live"


@pytest.mark.alone
async def test_a_tool_is_called_and_the_voice_says_what_it_returned() -> None:
    async with server_of_two(responder=Roller()) as host:
        chat = VoiceChat(LiveSignaling(host), page="headless", microphone=False, backend_model="any")
        rolled = []

        @chat.tool
        def roll() -> str:
            """Roll a die."""
            rolled.append(4)
            return "4"

        await chat.connect(timeout=HANGS)
        turn = await chat.ask("Roll a die.", timeout=HANGS)
        await chat.tell("And that is all.", timeout=HANGS)
        await eventually(lambda: "all." in chat.transcript[-1].text)
        await chat.disconnect(timeout=HANGS)
        await eventually(lambda: chat.events.of("session.closed"))
        chat.close()

    assert "It shows four." in turn.text
    assert rolled == [4]
    assert [one.status for one in chat.delegations] == ["completed"]
    assert chat.events.last("session.closed").reason == "close_requested"
    assert not chat.events.of("error")
    assert chat.usage.seconds >= 1
