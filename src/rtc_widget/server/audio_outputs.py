"""Where the audio of responses goes: the track of a WebRTC call, or the events of a WebSocket session."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget._aiortc.output_track import Pcm, Playback, pcm_of
from rtc_widget.server.audio_formats import AudioFormat, encoded_audio

DELTA_SECONDS = 0.2
"""The longest audio in one event, in seconds."""


class ResponseAudio(Protocol):
    """The audio of one response."""

    @property
    def is_followed(self) -> bool:
        """Whether the server knows how much has been played."""
        ...

    @property
    def has_started(self) -> bool:
        """Whether the server knows that playback has started."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether playback has ended."""
        ...

    @property
    def played_ms(self) -> int:
        """Duration of the played audio, in milliseconds."""
        ...

    async def write(self, audio: MonoAudio, place: Mapping[str, Any]) -> None:
        """Add audio of the content part at `place`."""
        ...

    def finish(self) -> None:
        """Declare the audio complete."""
        ...

    def clear(self) -> None:
        """Drop the audio that has not been played yet."""
        ...


class AudioEvents(Protocol):
    """Sends the events about response audio; each protocol has its own."""

    def audio_started(self, response_id: str) -> None:
        """Send that playback of a response has started."""
        ...

    def audio_stopped(self, response_id: str) -> None:
        """Send that all audio of a response has been played."""
        ...

    def audio_delta(self, data: bytes, place: Mapping[str, Any]) -> None:
        """Send encoded audio of the content part at `place`."""
        ...


class AudioSink(Protocol):
    """Opens the audio of responses."""

    def open(self, response_id: str, audio_format: AudioFormat) -> ResponseAudio:
        """Return the audio of a response. Events contain it in `audio_format`; playback follows earlier responses."""
        ...


class Player(Protocol):
    """Plays audio in real time."""

    def play(self, playback: Playback) -> None:
        """Play `playback` after the earlier ones."""
        ...

    async def until_room(self, playback: Playback) -> None:
        """Wait while too much audio waits to be played."""
        ...


class TrackAudio:
    """Audio that the server plays. It reports the start and end of playback, as only WebRTC and SIP do."""

    is_followed = True

    def __init__(self, player: Player, events: AudioEvents, response_id: str) -> None:
        self._player = player
        self._is_playing = False
        self._playback = Playback(
            on_started=lambda: events.audio_started(response_id),
            on_stopped=lambda: events.audio_stopped(response_id),
        )

    @property
    def has_started(self) -> bool:
        """Whether a sample has been sent."""
        return self._playback.has_started

    @property
    def is_over(self) -> bool:
        """Whether no more samples will be sent."""
        return self._playback.is_over

    @property
    def played_ms(self) -> int:
        """Duration of the sent audio, in milliseconds."""
        return self._playback.played_ms

    async def write(self, audio: MonoAudio, place: Mapping[str, Any]) -> None:
        """Add audio; wait first while too much of it waits to be played."""
        await self._player.until_room(self._playback)
        pcm: Pcm = await asyncio.to_thread(pcm_of, audio)
        if not self._is_playing:
            # Only now: in the queue, a playback without audio would block those behind it.
            self._is_playing = True
            self._player.play(self._playback)
        self._playback.write(pcm)

    def finish(self) -> None:
        """Declare the audio complete."""
        self._playback.finish()

    def clear(self) -> None:
        """Drop the audio that has not been sent yet."""
        self._playback.clear()


class TrackSink:
    """Sends audio on the track of a WebRTC call."""

    def __init__(self, player: Player, events: AudioEvents) -> None:
        self._player = player
        self._events = events

    def open(self, response_id: str, audio_format: AudioFormat) -> ResponseAudio:
        """Return the audio of a response. SDP negotiates the format of the track; `audio_format` has no effect."""
        return TrackAudio(self._player, self._events, response_id)


class EventAudio:
    """Audio that the client plays. Only the client knows how much it has played."""

    is_followed = False
    has_started = False
    played_ms = 0

    def __init__(self, events: AudioEvents, audio_format: AudioFormat) -> None:
        self._events = events
        self._format = audio_format
        self._ends_at = 0.0
        self._is_finished = False

    @property
    def is_over(self) -> bool:
        """Whether a client that plays the audio as it arrives has reached the end."""
        return self._is_finished and asyncio.get_running_loop().time() >= self._ends_at

    async def write(self, audio: MonoAudio, place: Mapping[str, Any]) -> None:
        """Send audio."""
        data = await asyncio.to_thread(encoded_audio, audio, self._format)
        step = round(DELTA_SECONDS * self._format.rate) * self._format.sample_bytes
        for at in range(0, len(data), step):
            self._events.audio_delta(data[at : at + step], place)
        self._ends_at = max(self._ends_at, asyncio.get_running_loop().time()) + audio.seconds

    def finish(self) -> None:
        """Declare the audio complete."""
        self._is_finished = True

    def clear(self) -> None:
        """End the playback; the client keeps the audio that it has received."""
        self._is_finished, self._ends_at = True, 0.0


class EventSink:
    """Sends audio in the events of a WebSocket session."""

    def __init__(self, events: AudioEvents) -> None:
        self._events = events

    def open(self, response_id: str, audio_format: AudioFormat) -> ResponseAudio:
        """Return the audio of a response."""
        return EventAudio(self._events, audio_format)
