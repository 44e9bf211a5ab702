"""A Realtime client without a browser: aiortc over real HTTP and real WebRTC."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from aiortc import RTCConfiguration, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from rtc_widget._aiortc.audio_buffer import use_audio_buffer
from rtc_widget._aiortc.connection import Connection
from rtc_widget.signaling.base import Answer, Signaling
from tests.limits import HANGS
from tests.speech import spoken

FRAME = 960
RATE = 48_000
LOUD = 600
"""Of 32768: above it is speech, below it the hush around it."""


class Microphone(MediaStreamTrack):
    """Silence, and what it is told to say."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._waiting = np.zeros(0, np.int16)
        self._frames = 0
        self._origin = 0.0
        self.said_at = 0.0
        self.loud_at = 0.0

    def say(self, pcm: npt.NDArray[np.int16]) -> None:
        self._waiting = np.concatenate([self._waiting, pcm])

    async def recv(self) -> AudioFrame:
        loop = asyncio.get_running_loop()
        self._origin = self._origin or loop.time()
        await asyncio.sleep(max(0.0, self._origin + self._frames * FRAME / RATE - loop.time()))
        now, self._waiting = self._waiting[:FRAME], self._waiting[FRAME:]
        if not self.loud_at and len(now) and np.abs(now).max() > LOUD:
            self.loud_at = loop.time()
        if len(now) and not len(self._waiting):
            self.said_at = loop.time()
        frame = AudioFrame.from_ndarray(np.pad(now, (0, FRAME - len(now)))[np.newaxis], format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), self._frames * FRAME
        self._frames += 1
        return frame


class Peer:
    """One call to a server: use it with `async with`."""

    def __init__(
        self,
        server: Signaling,
        session: Mapping[str, Any] | None = None,
        *,
        first: str = "session.created",
        channel_id: int | None = None,
    ) -> None:
        self.server = server
        self.first = first
        self.channel_id = channel_id
        self.session = session or {}
        self.events: list[dict[str, Any]] = []
        self.microphone = Microphone()
        self.answer: Answer | None = None
        self._heard: list[npt.NDArray[np.int16]] = []
        self.last_loud_at = 0.0
        self._news = asyncio.Condition()
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.connection = Connection(RTCConfiguration(iceServers=[]))
        self.connection.addTrack(self.microphone)
        self.channel = self.connection.createDataChannel(
            "oai-events", negotiated=self.channel_id is not None, id=self.channel_id
        )
        self.channel.on("message", self._take)
        self.connection.on("track", self._on_track)
        await self.connection.setLocalDescription(await self.connection.createOffer())
        self.answer = await self.server.exchange(self.connection.localDescription.sdp, self.session)
        await self.connection.setRemoteDescription(RTCSessionDescription(self.answer.sdp, "answer"))
        await self.wait_for(self.first)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.answer is not None
        assert self.answer.call_id is not None
        await self.server.hang_up(self.answer.call_id)
        self.microphone.stop()
        await self.connection.close()
        if self._listening:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening

    def send(self, event: Mapping[str, Any] | str) -> None:
        self.channel.send(event if isinstance(event, str) else json.dumps(event))

    def ask(self, text: str) -> None:
        """Ask in writing."""
        content = [{"type": "input_text", "text": text}]
        self.send({"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": content}})

    def say(self, text: str) -> None:
        """Ask aloud."""
        self.microphone.say(spoken(text, lead=0.3, tail=0.0))

    async def wait_for(self, kind: str, *, count: int = 1) -> dict[str, Any]:
        """Return the `count`-th event of that type."""

        def found() -> list[dict[str, Any]]:
            return [event for event in self.events if event["type"] == kind]

        async with self._news:
            try:
                await asyncio.wait_for(self._news.wait_for(lambda: len(found()) >= count), HANGS)
            except TimeoutError:
                state = self.connection.connectionState
                raise AssertionError(f"no {kind}; there were {self.types()}; the connection is {state}") from None
        return found()[count - 1]

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def heard(self) -> npt.NDArray[np.int16]:
        """Everything the server has let be heard: 48 kHz mono."""
        return np.concatenate([np.zeros(0, np.int16), *self._heard])

    def _take(self, message: str) -> None:
        self.events.append(json.loads(message))
        asyncio.ensure_future(self._tell())  # noqa: RUF006 - over at the next turn of the loop

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    def _on_track(self, track: MediaStreamTrack) -> None:
        for receiver in self.connection.getReceivers():
            use_audio_buffer(receiver)
        self._listening = asyncio.ensure_future(self._listen(track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        with suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, AudioFrame)
                self._heard.append(frame.to_ndarray().reshape(-1, 2)[:, 0])
                if np.abs(self._heard[-1]).max() > LOUD:
                    self.last_loud_at = asyncio.get_running_loop().time()
