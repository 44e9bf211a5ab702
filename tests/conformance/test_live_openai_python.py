"""OpenAI's Python client of the Live API, unmodified but for the base URL, with a server of scripted engines."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from rtc_widget.server.responders.responder import RequestedToolCall
from rtc_widget.signaling.base import Answer
from tests.conformance import record
from tests.limits import HANGS
from tests.unit.server.live_stage import ROLL, responses
from tests.unit.server.peer import Peer
from tests.unit.server.scripted_server import server_of_two
from tests.unit.server.stage import Responder

openai = pytest.importorskip("openai")
pytest.importorskip("websockets")

TONE = (0.9 * 32767 * np.sin(np.arange(48_000 * 6 // 10) * 2 * np.pi * 440 / 48_000)).astype(np.int16)
"""0.6 s at 48 kHz that the scripted detector takes for speech, and Opus does not change much."""


class ByOpenAIPython:
    """A signaling that calls with OpenAI's client."""

    name, data_channel_label, ice_servers = "openai-python", "oai-events", ()

    def __init__(self, client: Any) -> None:
        self.client = client

    async def prepare(self, progress: Any) -> None:
        """Nothing is to be prepared."""

    async def exchange(self, offer: str, session: Mapping[str, Any]) -> Answer:
        settings: Any = {"model": "gpt-live-1.1", **session}
        created = await self.client.live.create(session=settings, transport={"type": "webrtc", "sdp": offer})
        return Answer(created.transport.sdp, created.session.id)

    async def hang_up(self, call_id: str) -> None:
        try:
            await self.client.live.sessions.hangup(call_id)
        except openai.NotFoundError as error:
            assert error.code == "session_id_not_found"  # noqa: PT017 - the session may have been closed


@asynccontextmanager
async def openai_client(responder: Responder) -> AsyncGenerator[Any, None]:
    async with (
        server_of_two(responder=responder) as host,
        openai.AsyncOpenAI(
            base_url=f"http://{host}/v1", websocket_base_url=f"ws://{host}/v1", api_key="right", max_retries=0
        ) as client,
    ):
        yield client


async def test_a_call_with_a_sideband_that_runs_the_tool(request: pytest.FixtureRequest) -> None:
    responder = Responder()
    responder.says = [RequestedToolCall("roll", "{}")]
    async with openai_client(responder) as client:
        signaling = ByOpenAIPython(client)
        async with Peer(signaling, {"delegation": responses(tools=[ROLL])}, first="session.started") as peer:
            assert peer.answer is not None
            async with client.live.sideband.connect(session_id=peer.answer.call_id) as sideband:
                seen: list[dict[str, Any]] = []

                async def until(kind: str) -> Any:
                    async with asyncio.timeout(HANGS):
                        while True:
                            event = await sideband.recv()
                            seen.append(event.to_dict())
                            nested = event.event["type"] if event.type == "response.event" else None
                            if kind in (event.type, nested):
                                return event

                await sideband.session.update(session={}, event_id="c1")
                updated = await until("session.updated")
                peer.microphone.say(TONE)
                called = (await until("response.output_item.done")).event["item"]
                await until("response.completed")
                responder.says = ["It shows four."]
                output = {"type": "function_call_output", "call_id": called["call_id"], "output": "4"}
                await sideband.response.item.create(item=output)
                await sideband.response.create()
                await until("response.completed")
                while "four" not in str([event["delta"] for event in seen if "output_transcript" in event["type"]]):
                    await until("session.output_transcript.delta")
                await sideband.session.close(event_id="c9")
                closed = await until("session.closed")
            await peer.wait_for("session.closed")
        record.live_validated(request.node.name, peer.events)
        record.live_validated(f"{request.node.name}, sideband", seen)

    assert updated.client_event_id == "c1"
    assert updated.session.delegation.responses.tools[0].name == "roll"
    assert (closed.reason, closed.client_event_id) == ("close_requested", "c9")
    assert closed.usage.seconds >= 1
    assert {"session.input_audio.append", "session.output_audio.delta"} <= {event["type"] for event in seen}
    said = "".join(event["delta"] for event in peer.events if event["type"] == "session.output_transcript.delta")
    assert "four" in said
    assert np.abs(peer.heard()).max() > 10_000


async def test_hanging_up_is_told_as_the_last_event(request: pytest.FixtureRequest) -> None:
    async with openai_client(Responder()) as client:
        signaling = ByOpenAIPython(client)
        async with Peer(signaling, {"client": {"data_channel": {}}}, first="session.started") as peer:
            assert peer.answer is not None
            await client.live.sessions.hangup(peer.answer.call_id)
            closed = await peer.wait_for("session.closed")
        record.live_validated(request.node.name, peer.events)

    assert closed["reason"] == "close_requested"
    assert peer.types()[:2] == ["info", "session.started"]


async def test_a_primary_websocket(request: pytest.FixtureRequest) -> None:
    silence = base64.b64encode(bytes(4800)).decode()
    async with openai_client(Responder()) as client, client.live.connect() as connection:
        seen: list[dict[str, Any]] = []

        async def until(kind: str) -> Any:
            async with asyncio.timeout(HANGS):
                while True:
                    event = await connection.recv()
                    seen.append(event.to_dict())
                    if event.type == kind:
                        return event

        await connection.session.start(session={"model": "gpt-live-1.1"}, event_id="c0")
        started = await until("session.started")
        speech = base64.b64encode(TONE[::2].astype("<i2").tobytes()).decode()
        await connection.session.input_audio.append(audio=speech)
        sending = asyncio.create_task(_keep_sending(connection, silence))
        await until("session.output_audio.delta")
        said = await until("session.output_transcript.delta")
        sending.cancel()
        await connection.session.close()
        closed = await until("session.closed")
        record.live_validated(request.node.name, seen)

    assert started.session.id.startswith("live_")
    assert said.delta.startswith("Opus is")
    assert closed.reason == "close_requested"


async def _keep_sending(connection: Any, silence: str) -> None:
    """Let the clock run: 100 ms of silence at a time, faster than real time."""
    while True:
        await connection.session.input_audio.append(audio=silence)
        await asyncio.sleep(0.01)


async def test_refusals_have_the_errors_of_the_api() -> None:
    async with openai_client(Responder()) as client:
        offer = "v=0\r\n"
        with pytest.raises(openai.BadRequestError) as unknown:
            await client.live.create(
                session={"model": "any", "voice": "marin"}, transport={"type": "webrtc", "sdp": offer}
            )
        with pytest.raises(openai.BadRequestError) as invalid:
            await client.live.create(session={"model": "any"}, transport={"type": "webrtc", "sdp": offer})
        with pytest.raises(openai.NotFoundError) as not_there:
            await client.live.sessions.hangup("live_of_nobody")
        with pytest.raises(openai.APIStatusError) as no_fork:
            await client.live.sessions.fork("live_1", transport={"type": "webrtc", "sdp": offer})

    assert (unknown.value.code, unknown.value.param) == ("unknown_parameter", "session.voice")
    assert (invalid.value.code, invalid.value.param) == ("invalid_offer", "transport.sdp")
    assert not_there.value.code == "session_id_not_found"
    assert no_fork.value.status_code == 501
    assert json.loads(no_fork.value.response.content)["error"]["message"] == "This server cannot fork a session."
