"""A server in this process whose engines are scripted, with and without HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from rtc_widget._aiortc.connection import offer_loopback_when_alone
from rtc_widget.server.http.app import Access, create_app
from rtc_widget.server.http.responder_selection import FixedResponder
from rtc_widget.server.serve import server_config
from rtc_widget.server.speech.engines import Engines
from rtc_widget.server.transport.registry import CallRegistry, Limits
from rtc_widget.signaling.base import Answer
from tests.unit.server.stage import LoudIsSpeech, Recognizer, Responder, Speaker

SETTINGS = {"type": "realtime", "model": "any"}


class Direct:
    """A signaling without HTTP: straight to the calls."""

    name, data_channel_label, ice_servers = "direct", "oai-events", ()

    def __init__(self, calls: CallRegistry) -> None:
        self.calls = calls

    async def prepare(self, progress: Any) -> None:
        """Nothing is to be prepared."""

    async def exchange(self, offer: str, session: Mapping[str, Any]) -> Answer:
        answered = await self.calls.begin(offer, {**SETTINGS, **session}, Responder())
        return Answer(answered.sdp, answered.call_id)

    async def hang_up(self, call_id: str) -> None:
        if call_id in self.calls.ids:
            await self.calls.find(call_id).end()


async def calls_with(**limits: Any) -> CallRegistry:
    offer_loopback_when_alone()
    return CallRegistry(scripted_engines(), Limits(**limits))


def scripted_engines() -> asyncio.Future[Engines]:
    engines: asyncio.Future[Engines] = asyncio.get_running_loop().create_future()
    engines.set_result(Engines(Recognizer(), Speaker(), LoudIsSpeech))
    return engines


@asynccontextmanager
async def server_of_two(
    minutes: float = 30.0, engines: Engines | None = None, responder: Responder | None = None
) -> AsyncGenerator[str, None]:
    """Serve over HTTP two sessions at most, each for so long; gives host and port."""
    loaded = scripted_engines()
    if engines is not None:
        loaded = asyncio.get_running_loop().create_future()
        loaded.set_result(engines)
    limits = Limits(calls=2, minutes=minutes)
    responds = FixedResponder(responder or Responder())
    app = create_app(Access("right"), engines=loaded, responder_for=responds, limits=limits)
    config = server_config(app)
    config.port = 0
    running = uvicorn.Server(config)
    running.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(running.serve())
    while not running.started:
        await asyncio.sleep(0.01)
    try:
        yield f"127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    finally:
        running.should_exit = True
        await serving
