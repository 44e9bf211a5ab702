"""A Live session without a connection: its clock runs as the test sends audio, and its engines have no models."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import numpy as np

from rtc_widget._aiortc.audio import MonoAudio, Samples
from rtc_widget._aiortc.output_track import Playback
from rtc_widget.server.protocols.live.engine import LiveEngine
from rtc_widget.server.protocols.live.session_config import new_live_session
from rtc_widget.server.speech import INPUT_RATE
from rtc_widget.server.speech.engines import Engines
from tests.limits import HANGS
from tests.unit.server.stage import LoudIsSpeech, Recognizer, Responder, Speaker

STEP = INPUT_RATE // 50
SILENT_STEP = np.zeros(STEP, np.float32)
LOUD_STEP = np.full(STEP, 0.9, np.float32)

ROLL = {
    "type": "function",
    "name": "roll",
    "description": "Rolls a die",
    "parameters": {"type": "object", "properties": {}},
}


def responses(**backend: Any) -> dict[str, Any]:
    """Return a Responses delegation."""
    return {"type": "responses", "responses": {"model": "any", **backend}}


class LiveStage:
    """A session and everything around it; `sideband` collects what a second connection gets."""

    def __init__(self, *, plays: bool = True, **session: Any) -> None:
        self.events: list[dict[str, Any]] = []
        self.sideband: list[dict[str, Any]] = []
        self.recognizer, self.speaker, self.responder = Recognizer(), Speaker(), Responder()
        self.playbacks: list[Playback] = []
        self.closed = 0
        self.engine = LiveEngine(
            new_live_session("live_1", 1_900_000_000, {"model": "any", **session}, is_websocket=not plays),
            engines=Engines(self.recognizer, self.speaker, LoudIsSpeech),
            responder=self.responder,
            send=lambda message: self.events.append(json.loads(message)),
            on_closed=self._on_closed,
            player=self if plays else None,
        )
        self.engine.begin()
        self.engine.listen(LoudIsSpeech())

    def _on_closed(self) -> None:
        self.closed += 1

    def play(self, playback: Playback) -> None:
        self.playbacks.append(playback)

    async def until_room(self, playback: Playback) -> None:
        """There is always room."""

    def attach(self) -> None:
        """Open a sideband."""
        self.engine.join(self._to_sideband)

    def _to_sideband(self, message: str) -> None:
        self.sideband.append(json.loads(message))

    def send(self, kind: str, *, by_sideband: bool = False, **fields: Any) -> None:
        message = json.dumps({"type": kind, **fields})
        self.engine.receive(message, self._to_sideband if by_sideband else None)

    async def hear(self, ms: int, step: Samples = SILENT_STEP) -> None:
        """Let the clock run, and as much of the voice be played as it allows."""
        for _ in range(ms // 20):
            self.engine.receive_audio(step)
            for playback in self.playbacks:
                playback.read(960)
            await asyncio.sleep(0)

    async def say(self, text: str, ms: int = 600) -> None:
        """Let the user say something."""
        self.recognizer.hears = text
        await self.hear(ms, LOUD_STEP)
        await self.hear(700)

    async def until(self, kind: str, count: int = 1) -> dict[str, Any]:
        """Let the clock run until there are so many events of that type; of nested ones it is the nested type."""
        async with asyncio.timeout(HANGS):
            while self.types().count(kind) < count:
                await self.hear(20)
                await asyncio.sleep(0.001)  # the engines work in threads
        return [event for event in self.events if kind in (event["type"], nested_type(event))][count - 1]

    async def until_quiet(self) -> None:
        """Let the clock run until everything has been said."""
        async with asyncio.timeout(HANGS):
            while self.engine.is_busy:
                await self.hear(20)
                await asyncio.sleep(0.001)
        await self.hear(400)

    def append(self, samples: Samples, rate: int = 24_000) -> None:
        """Send audio in an event."""
        pcm = (MonoAudio(samples, INPUT_RATE).at(rate).samples * 32767).astype("<i2").tobytes()
        self.send("session.input_audio.append", audio=base64.b64encode(pcm).decode())

    def types(self) -> list[str]:
        """Return the types of all events; of the nested ones their own."""
        return [nested_type(event) or event["type"] for event in self.events]

    def errors(self) -> list[dict[str, Any]]:
        return [event["error"] for event in self.events if event["type"] == "error"]

    def transcript(self, side: str) -> str:
        """Return all that was said on a side: fragments bring their blanks, new turns of 1.5 s of quiet have none."""
        kind, text, end = f"session.{side}_transcript.delta", "", 0
        for event in self.events:
            if event["type"] == kind:
                text += " " * (bool(text) and event["start_ms"] - end >= 1500) + event["delta"]
                end = event["end_ms"]
        return text


def nested_type(event: dict[str, Any]) -> str | None:
    """Return the type of the Responses event within a Live event, or None."""
    return str(event["event"]["type"]) if event["type"] == "response.event" else None
