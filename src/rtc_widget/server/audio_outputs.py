"""Where the sound of answers goes: into the track of a WebRTC call, or into the events of a WebSocket session."""

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
    """The sound of one response."""

    @property
    def is_followed(self) -> bool:
        """Whether the server knows how much of it has been heard."""
        ...

    @property
    def has_started(self) -> bool:
        """Whether the server knows that some of it has been heard."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether nothing of it will be heard any more."""
        ...

    @property
    def played_ms(self) -> int:
        """How much of it has been heard."""
        ...

    async def write(self, sound: MonoAudio, place: Mapping[str, Any]) -> None:
        """Add sound of the part that is at `place`."""
        ...

    def finish(self) -> None:
        """Say that no more will be written."""
        ...

    def clear(self) -> None:
        """Drop what has not been heard yet."""
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
    """Makes utterances."""

    def open(self, response_id: str, audio_format: AudioFormat) -> ResponseAudio:
        """Return the utterance of a response, in `audio_format` if it is sent; it is heard after those before it."""
        ...


class Player(Protocol):
    """Plays sound in real time."""

    def play(self, playback: Playback) -> None:
        """Play `playback` after those that are still playing."""
        ...


class TrackAudio:
    """An utterance that the server itself plays; it tells when it starts and stops, as only WebRTC and SIP do."""

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
        """Whether some of it has left."""
        return self._playback.has_started

    @property
    def is_over(self) -> bool:
        """Whether nothing of it will leave any more."""
        return self._playback.is_over

    @property
    def played_ms(self) -> int:
        """How much of it has left."""
        return self._playback.played_ms

    async def write(self, sound: MonoAudio, place: Mapping[str, Any]) -> None:
        """Add sound."""
        pcm: Pcm = await asyncio.to_thread(pcm_of, sound)
        if not self._is_playing:
            # Only now: an utterance that waits in the queue without a sound would hold up those behind it.
            self._is_playing = True
            self._player.play(self._playback)
        self._playback.write(pcm)

    def finish(self) -> None:
        """Say that no more will be written."""
        self._playback.finish()

    def clear(self) -> None:
        """Drop what has not left yet."""
        self._playback.clear()


class TrackSink:
    """The track of a WebRTC call."""

    def __init__(self, player: Player, events: AudioEvents) -> None:
        self._player = player
        self._events = events

    def open(self, response_id: str, audio_format: AudioFormat) -> ResponseAudio:
        """Return the utterance of a response; its format was agreed on with the track."""
        return TrackAudio(self._player, self._events, response_id)


class EventAudio:
    """An utterance that the client plays; what it has played, only the client knows."""

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
        """Whether a client that plays it at once has played all of it."""
        return self._is_finished and asyncio.get_running_loop().time() >= self._ends_at

    async def write(self, sound: MonoAudio, place: Mapping[str, Any]) -> None:
        """Send sound."""
        data = await asyncio.to_thread(encoded_audio, sound, self._format)
        step = round(DELTA_SECONDS * self._format.rate) * self._format.sample_bytes
        for at in range(0, len(data), step):
            self._events.audio_delta(data[at : at + step], place)
        self._ends_at = max(self._ends_at, asyncio.get_running_loop().time()) + sound.seconds

    def finish(self) -> None:
        """Say that no more will be written."""
        self._is_finished = True

    def clear(self) -> None:
        """Do nothing: what was sent is the client's."""
        self._is_finished, self._ends_at = True, 0.0


class EventSink:
    """The events of a WebSocket session."""

    def __init__(self, events: AudioEvents) -> None:
        self._events = events

    def open(self, response_id: str, audio_format: AudioFormat) -> ResponseAudio:
        """Return the utterance of a response."""
        return EventAudio(self._events, audio_format)
