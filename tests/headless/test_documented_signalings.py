"""The signalings of docs/signaling.md, as they stand there: against doubles, and against the packages themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import numpy as np
import pytest
import uvicorn

from rtc_widget import AudioClip, VoiceChat
from rtc_widget.errors import ConversationUnsupported, InvalidKey, SignalingError
from rtc_widget.headless.peer import Peer
from tests.headless.peer_contracts import Doubles
from tests.headless.peer_packages import documented, has, running
from tests.limits import HANGS, eventually


@asynccontextmanager
async def doubles() -> AsyncIterator[tuple[str, Doubles]]:
    made = Doubles()
    server = uvicorn.Server(uvicorn.Config(made.app, port=0, log_level="warning", lifespan="off"))
    server.install_signal_handlers = lambda: None
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", made
    finally:
        await made.close()
        server.should_exit = True
        await serving


def tone() -> AudioClip:
    return AudioClip(np.sin(np.arange(24_000) / 10).astype(np.float32) / 2, 48_000)


async def test_pipecat_s_contract():
    async with doubles() as (url, server):
        with closing(VoiceChat(documented("Pipecat")(f"{url}/api/offer"), page="headless")) as chat:
            await chat.connect(timeout=HANGS)
            await eventually(lambda: "bot-ready" in [event.type for event in chat.events])
            await eventually(lambda: any(text.startswith("ping") for text in server.got))
            await eventually(lambda: server.frames > 3)
            with pytest.raises(ConversationUnsupported):
                await chat.ask("Hello?")


async def test_fastrtc_s_contract():
    async with doubles() as (url, server):
        signaling = documented("FastRTC")
        with closing(VoiceChat(signaling(f"{url}/webrtc/offer"), page="headless")) as chat:
            await chat.connect(timeout=HANGS)
            await eventually(lambda: server.got == ["handshake"])
            await eventually(lambda: "log" in [event.type for event in chat.events])
            other = VoiceChat(signaling(f"{url}/webrtc/offer"), page="headless")
            with closing(other), pytest.raises(SignalingError, match="concurrency_limit_reached"):
                await other.connect(timeout=HANGS)


async def test_a_whip_server_gets_audio_and_a_delete():
    async with doubles() as (url, server):
        whip = documented("Whip")
        with closing(VoiceChat(whip(f"{url}/whip", "t"), page="headless")) as chat:
            await chat.connect(timeout=HANGS)
            await eventually(lambda: server.frames > 3)
            await chat.disconnect()
            await eventually(lambda: server.ended == ["1"])
        with closing(VoiceChat(whip(f"{url}/whip", "wrong"), page="headless")) as chat, pytest.raises(InvalidKey):
            await chat.connect(timeout=HANGS)


CLIENT_READY = '{"label": "rtvi-ai", "type": "client-ready", "id": "2", "data": {"version": "1.0.0"}}'


def ready(chat: VoiceChat) -> int:
    return [event.type for event in chat.events].count("bot-ready")


async def test_pipecat_itself(monkeypatch: pytest.MonkeyPatch):
    if not has("pipecat.transports.smallwebrtc.request_handler"):
        pytest.skip("Pipecat is not installed: the group `peers`")
    pings: list[str] = []
    send = Peer.send

    def count(peer: Peer, text: str) -> None:
        pings.extend([text] * text.startswith("ping"))
        send(peer, text)

    monkeypatch.setattr(Peer, "send", count)
    with (
        running("tests.headless.peer_contracts", "pipecat") as url,
        closing(VoiceChat(documented("Pipecat")(f"{url}/api/offer"), page="headless")) as chat,
    ):
        await chat.connect(timeout=HANGS)
        await eventually(lambda: ready(chat) == 1)
        # One a second: Pipecat replies to nobody whose last ping is older than three seconds.
        await eventually(lambda: len(pings) >= 5)
        async with asyncio.timeout(HANGS):
            while ready(chat) < 2:
                chat.send_raw(CLIENT_READY)
                await asyncio.sleep(0.1)
        assert chat.status == "connected"


async def test_fastrtc_itself():
    if not has("fastrtc"):
        pytest.skip("FastRTC is not installed: the group `peers`")
    with (
        running("tests.headless.peer_contracts", "fastrtc") as url,
        closing(VoiceChat(documented("FastRTC")(f"{url}/webrtc/offer"), page="headless")) as chat,
    ):
        recorder = chat.record()
        await chat.connect(timeout=HANGS)
        await chat.say(tone(), timeout=HANGS)
        await eventually(lambda: "log" in [event.type for event in chat.events])
        await eventually(lambda: abs(chat.recording.assistant.samples).max(initial=0) > 0.1)
        await recorder.finish()
