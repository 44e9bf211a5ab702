"""A session without a connection: messages in, events out, with engines without models."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from typing import Any

import numpy as np

from rtc_widget._aiortc.audio import MonoAudio, Samples
from rtc_widget._aiortc.output_track import Playback
from rtc_widget.server.protocols.realtime.engine import RealtimeEngine
from rtc_widget.server.protocols.realtime.session_config import new_session
from rtc_widget.server.responders.responder import Question, RequestedToolCall
from rtc_widget.server.speech import INPUT_RATE
from rtc_widget.server.speech.engines import Engines
from tests.limits import HANGS

SPEECH = np.full(INPUT_RATE, 0.9, np.float32)
SILENCE = np.zeros(INPUT_RATE, np.float32)


class LoudIsSpeech:
    frame_length = 160

    def probability(self, frame: Samples) -> float:
        return float(np.abs(frame).max())

    def reset(self) -> None:
        """It has no state."""


class Recognizer:
    name = "scripted recognizer"

    def __init__(self) -> None:
        self.hears = "What is Opus?"
        self.times = 0

    def recognize(self, samples: Samples) -> str:
        self.times += 1
        if self.hears == "!":
            raise RuntimeError("no ears")
        return self.hears


class Speaker:
    name = "scripted speaker"

    def __init__(self) -> None:
        self.voices: list[str] = []
        self.texts: list[str] = []

    def speak(self, text: str, *, voice: str = "heart", speed: float = 1.0) -> MonoAudio:
        self.voices.append(voice)
        self.texts.append(text)
        return MonoAudio(np.full(round(len(text) * 240 / speed), 0.5, np.float32), 24_000)


class Responder:
    """Answers what the test wants; `…` waits for ever and an exception is raised."""

    def __init__(self) -> None:
        self.says: list[str | RequestedToolCall | Exception] = ["Opus is a codec. ", "It is good."]
        self.asked: list[Question] = []

    async def respond(self, question: Question) -> AsyncGenerator[str | RequestedToolCall, None]:
        self.asked.append(question)
        for piece in self.says:
            if isinstance(piece, Exception):
                raise piece
            if piece == "…":
                await asyncio.Event().wait()
            yield piece


class Stage:
    """A dialogue and everything around it."""

    def __init__(self, *, plays: bool = True, engines: Engines | None = None, **session: Any) -> None:
        self.events: list[dict[str, Any]] = []
        self.recognizer, self.speaker, self.responder = Recognizer(), Speaker(), Responder()
        self.playbacks: list[Playback] = []
        self.engine = RealtimeEngine(
            new_session("sess_1", 1_900_000_000, {"type": "realtime", **session}),
            engines=engines or Engines(self.recognizer, self.speaker, LoudIsSpeech),
            responder=self.responder,
            send=lambda message: self.events.append(json.loads(message)),
            player=self if plays else None,
        )
        self.engine.begin()
        self.engine.listen(LoudIsSpeech())

    def play(self, playback: Playback) -> None:
        self.playbacks.append(playback)

    async def until_room(self, playback: Playback) -> None:
        """There is always room."""

    def play_out(self) -> None:
        """Let all that was written be heard."""
        for playback in self.playbacks:
            while len(playback.read(960)):
                pass

    def send(self, kind: str, **fields: Any) -> None:
        self.engine.receive(json.dumps({"type": kind, **fields}))

    def ask(self, text: str, **response: Any) -> None:
        content = [{"type": "input_text", "text": text}]
        self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        self.send("response.create", **({"response": response} if response else {}))

    async def recognizes(self, times: int) -> None:
        """Wait until so many times something was recognised, and the dialogue knows it."""
        async with asyncio.timeout(HANGS):
            while self.recognizer.times < times:
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)

    async def until(self, kind: str, count: int = 1) -> dict[str, Any]:
        async with asyncio.timeout(HANGS):
            while self.types().count(kind) < count:
                await asyncio.sleep(0.005)
        return [event for event in self.events if event["type"] == kind][count - 1]

    def append(self, samples: Samples, rate: int = 24_000) -> None:
        """Say something in events."""
        pcm = (MonoAudio(samples, INPUT_RATE).at(rate).samples * 32767).astype("<i2").tobytes()
        self.send("input_audio_buffer.append", audio=base64.b64encode(pcm).decode())

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]
