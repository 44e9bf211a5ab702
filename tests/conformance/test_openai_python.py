"""OpenAI's own Python client, unmodified but for the base URL, against the real server with real speech."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget.server.process import Address
from rtc_widget.signaling.local import Local
from tests.conformance import record
from tests.limits import HANGS
from tests.speech import WAV_RATE, recognize, spoken, word_error_rate
from tests.unit.server.peer import Peer

openai = pytest.importorskip("openai")
websockets = pytest.importorskip("websockets")

pytestmark = pytest.mark.speech

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
ADD = {
    "type": "function",
    "name": "add",
    "description": "Adds two numbers",
    "parameters": {"type": "object", "properties": {name: {"type": "number"} for name in "ab"}, "required": ["a", "b"]},
}


class Talk:
    """A connection of openai-python, and every event it brought."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.events: list[dict[str, Any]] = []

    async def until(self, is_it: Callable[[Any], bool] | str) -> Any:
        """Return the next event that `is_it`, or is of that type."""
        async with asyncio.timeout(HANGS):
            while True:
                event = await self.connection.recv()
                self.events.append(event.to_dict())
                if event.type == is_it if isinstance(is_it, str) else is_it(event):
                    return event

    async def say(self, text: str, tail: float = 0.8) -> None:
        pcm = MonoAudio(spoken(text, lead=0.3, tail=tail).astype(np.float32) / 32768, WAV_RATE).at(24_000).samples
        data = (pcm * 32767).astype("<i2").tobytes()
        for at in range(0, len(data), 9600):
            audio = base64.b64encode(data[at : at + 9600]).decode()
            await self.connection.input_audio_buffer.append(audio=audio)

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def sound(self) -> np.ndarray[Any, Any]:
        deltas = [event["delta"] for event in self.events if event["type"] == "response.output_audio.delta"]
        return np.frombuffer(b"".join(map(base64.b64decode, deltas)), "<i2")


@pytest.fixture
async def talk(request: pytest.FixtureRequest, address: Address) -> AsyncGenerator[Callable[..., Any], None]:
    talks: list[Talk] = []
    client = openai.AsyncOpenAI(
        base_url=f"{address.url}/v1",
        websocket_base_url=f"{address.url}/v1".replace("http", "ws", 1),
        api_key=address.token,
    )

    @asynccontextmanager
    async def connected(**query: str) -> AsyncGenerator[Talk, None]:
        model = {} if query else {"model": "gpt-realtime-2.1"}
        async with client.realtime.connect(**model, extra_query=query) as connection:
            talks.append(Talk(connection))
            yield talks[-1]

    yield connected
    await client.close()
    record.validated(request.node.name, [event for made in talks for event in made.events])


async def test_a_spoken_turn(talk: Callable[..., Any]) -> None:
    async with talk() as made:
        created = await made.until("session.created")
        await made.say("What is a jitter buffer?")
        heard = await made.until("conversation.item.input_audio_transcription.completed")
        done = await made.until("response.done")

        answer = done.response.output[0].content[0].transcript
        assert created.session.model == "gpt-realtime-2.1"
        assert word_error_rate("What is a jitter buffer?", heard.transcript) <= 0.2
        assert answer.startswith("A jitter buffer holds arriving packets")
        assert word_error_rate(answer, recognize(made.sound(), 24_000)) <= 0.2
        assert not [kind for kind in made.types() if kind.startswith("output_audio_buffer")]


async def test_a_text_turn(talk: Callable[..., Any]) -> None:
    async with talk() as made:
        await made.connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        await made.until("session.updated")
        content = [{"type": "input_text", "text": "What is Opus?"}]
        await made.connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
        await made.connection.response.create()
        said = await made.until("response.output_text.done")
        done = await made.until("response.done")

        assert said.text.startswith("Opus is the sound codec")
        assert done.response.status == "completed"


async def test_two_tools_in_one_spoken_sentence(talk: Callable[..., Any]) -> None:
    async with talk() as made:
        await made.connection.session.update(session={"type": "realtime", "tools": [WEATHER, ADD]})
        await made.say("What is the weather in Paris, and add three and four.")
        called = (await made.until("response.done")).response.output
        for call, output in zip(called, ['{"sky": "sunny"}', "7"], strict=True):
            item = {"type": "function_call_output", "call_id": call.call_id, "output": output}
            await made.connection.conversation.item.create(item=item)
        await made.connection.response.create()
        done = await made.until("response.done")

        assert [(call.name, json.loads(call.arguments)) for call in called] == [
            ("get_weather", {"city": "Paris"}),
            ("add", {"a": 3, "b": 4}),
        ]
        assert done.response.output[0].content[0].transcript == "Paris: Sky is sunny. 7."


async def test_push_to_talk(talk: Callable[..., Any]) -> None:
    async with talk() as made:
        session = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
        await made.connection.session.update(session=session)
        await made.connection.input_audio_buffer.clear()
        await made.say("What is Opus?", tail=0.0)
        await made.connection.input_audio_buffer.commit()
        await made.connection.response.create()
        done = await made.until("response.done")

        assert done.response.output[0].content[0].transcript.startswith("Opus is the sound codec")


async def test_an_interruption(talk: Callable[..., Any]) -> None:
    async with talk() as made:
        content = [{"type": "input_text", "text": "Explain the difference between STUN and TURN."}]
        await made.connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
        await made.connection.response.create()
        first = await made.until("response.output_audio.delta")
        await made.until("response.done")
        await made.say("Thank you very much.")
        await made.until("input_audio_buffer.speech_started")
        # The client plays the sound, so it is the client that says how much of it was heard.
        await made.connection.conversation.item.truncate(item_id=first.item_id, content_index=0, audio_end_ms=200)
        cut = await made.until("conversation.item.truncated")
        done = await made.until("response.done")

        assert (cut.item_id, cut.audio_end_ms) == (first.item_id, 200)
        assert done.response.output[0].content[0].transcript.startswith("You are welcome")


async def test_a_second_connect(talk: Callable[..., Any]) -> None:
    sessions = set()
    for _ in range(2):
        async with talk() as made:
            sessions.add((await made.until("session.created")).session.id)

    assert len(sessions) == 2


async def test_an_error_names_the_event(talk: Callable[..., Any]) -> None:
    async with talk() as made:
        await made.connection.send({"type": "response.cancel", "event_id": "mine"})
        error = await made.until("error")

        assert (error.error.code, error.error.event_id) == ("response_cancel_not_active", "mine")


async def test_a_sideband_sees_a_webrtc_call_and_takes_part(talk: Callable[..., Any], local_server: Local) -> None:
    async with Peer(local_server, {"output_modalities": ["text"]}) as peer:
        assert peer.answer is not None
        async with talk(call_id=peer.answer.call_id) as made:
            await made.connection.session.update(session={"type": "realtime", "instructions": "From the side."})
            await made.until("session.updated")
            peer.ask("What is Opus?")
            peer.send({"type": "response.create"})
            done = await made.until("response.done")
            await made.connection.send({"type": "response.cancel", "event_id": "side"})
            await made.until("error")
            await local_server.hang_up(peer.answer.call_id)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await made.until("never")

        assert made.types()[0] == "session.updated", "an existing call is not created again"
        assert done.response.output[0].content[0].text.startswith("Opus is")
        assert (await peer.wait_for("session.updated"))["session"]["instructions"] == "From the side."
        assert "error" not in peer.types(), "an error goes to who made it"
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000


async def refusal(url: str, **arguments: Any) -> tuple[int, str]:
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with websockets.connect(url, **arguments):
            pass
    return refused.value.response.status_code, json.loads(refused.value.response.body)["error"]["code"]


async def test_who_may_not_come_in_is_told_why(address: Address) -> None:
    url = f"{address.url}/v1/realtime".replace("http", "ws", 1)
    right = {"additional_headers": {"Authorization": f"Bearer {address.token}"}}

    assert await refusal(f"{url}?model=any") == (401, "invalid_api_key")
    assert await refusal(url, **right) == (400, "missing_required_parameter")
    assert await refusal(f"{url}?call_id=rtc_nobody", **right) == (404, "call_id_not_found")
    assert await refusal(f"{url}?model=any", origin="http://evil.example", **right) == (403, "invalid_origin")


async def test_a_page_sends_its_key_as_a_subprotocol(address: Address) -> None:
    async with openai.AsyncOpenAI(base_url=f"{address.url}/v1", api_key=address.token) as client:
        session = {"type": "realtime", "model": "any", "instructions": "Hum."}
        key = (await client.realtime.client_secrets.create(session=session)).value
    url = f"{address.url}/v1/realtime".replace("http", "ws", 1)
    protocols = ["realtime", f"openai-insecure-api-key.{key}"]
    async with websockets.connect(url, subprotocols=protocols) as socket:
        assert socket.subprotocol == "realtime"
        assert '"instructions":"Hum."' in await socket.recv()
