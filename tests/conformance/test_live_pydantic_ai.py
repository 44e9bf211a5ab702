"""pydantic-ai's Live model, unmodified but for the base URL, in an environment of its own."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import pytest

from rtc_widget.server.responders.responder import Question, RequestedToolCall
from rtc_widget.signaling.base import Answer
from tests.conformance import record
from tests.conformance.test_live_openai_python import TONE
from tests.limits import HANGS
from tests.unit.server.peer import Peer
from tests.unit.server.scripted_server import server_of_two

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / ".cache/pydantic-ai/bin/python"

pytestmark = pytest.mark.skipif(not PYTHON.is_file(), reason="scripts/test installs pydantic-ai")


class Roller:
    """Calls the tool, and says what it returned."""

    async def respond(self, question: Question) -> AsyncGenerator[str | RequestedToolCall, None]:
        last = question.conversation.items[-1]
        if hasattr(last, "output"):
            yield "It shows four." if last.output == "4" else f"It is {last.output}."
        else:
            yield RequestedToolCall("roll", "{}")


class Talk:
    """The process in which pydantic-ai runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def begin(cls, way: str, host: str) -> Talk:
        pipe = asyncio.subprocess.PIPE
        arguments = (str(HERE / "pydantic_ai/talk.py"), way, f"http://{host}/v1", "right")
        # Compiled once: its imports take seconds.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        process = await asyncio.create_subprocess_exec(
            str(PYTHON), *arguments, stdin=pipe, stdout=pipe, stderr=pipe, env=environment
        )
        return cls(process)

    async def line(self) -> dict[str, Any]:
        """Return the next line that it prints."""
        assert self._process.stdout is not None
        async with asyncio.timeout(HANGS):
            line = await self._process.stdout.readline()
        if not line:
            assert self._process.stderr is not None
            raise AssertionError((await self._process.stderr.read()).decode())
        found: dict[str, Any] = json.loads(line)
        return found

    def send(self, value: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write((json.dumps(value) + "\n").encode())

    async def end(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()


class ByPydanticAi:
    """A signaling whose trusted server is pydantic-ai."""

    name, data_channel_label, ice_servers = "pydantic-ai", "oai-events", ()

    def __init__(self, talk: Talk) -> None:
        self.talk = talk

    async def prepare(self, progress: Any) -> None:
        """Nothing is to be prepared."""

    async def exchange(self, offer: str, session: Mapping[str, Any]) -> Answer:
        self.talk.send({"sdp": offer})
        answer = await self.talk.line()
        return Answer(answer["sdp"], answer["id"])

    async def hang_up(self, call_id: str) -> None:
        """Done by pydantic-ai."""


def assert_told(seen: Mapping[str, Any]) -> None:
    """Assert that pydantic-ai ran the tool and has the words that followed."""
    assert seen["results"] == ["4"]
    assert "What is Opus?" in seen["messages"]
    assert "four" in seen["messages"]


async def test_a_primary_websocket_with_a_tool() -> None:
    async with server_of_two(responder=Roller()) as host:
        talk = await Talk.begin("websocket", host)
        try:
            assert_told(await talk.line())
        finally:
            await talk.end()


async def test_an_offer_with_a_sideband_and_a_tool(request: pytest.FixtureRequest) -> None:
    async with server_of_two(responder=Roller()) as host:
        talk = await Talk.begin("webrtc", host)
        try:
            # Its data channel is closed for all events but those of the server's own.
            async with Peer(ByPydanticAi(talk), first="info") as peer:
                peer.microphone.say(TONE)
                assert_told(await talk.line())
            record.live_validated(request.node.name, peer.events)
        finally:
            await talk.end()
