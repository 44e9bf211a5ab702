"""Output audio: one track that never stops, and the playbacks that it sends."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from rtc_widget._aiortc.audio import MonoAudio, resampled

RATE = 48_000
FRAME_SECONDS = 0.02
FRAME_LENGTH = round(RATE * FRAME_SECONDS)

MAX_LAG_SECONDS = 0.5
"""Longest delay, in seconds, that the track catches up with. After a longer one it restarts its schedule."""

MAX_WAITING_SECONDS = 120.0
"""Audio that waits to be played, in seconds; 96 kB each. A writer waits while there is more."""

Pcm = npt.NDArray[np.int16]


def pcm_of(audio: MonoAudio) -> Pcm:
    """Return `audio` in the format of the track: 48 kHz, 16 bit."""
    return (np.clip(resampled(audio, RATE).samples, -1, 1) * 32767).astype(np.int16)


class Playback:
    """The audio of one response while the track sends it.

    Parameters
    ----------
    on_started : callable
        Called when the first sample is sent.
    on_stopped : callable
        Called when the last sample has been sent after `finish`, also if no written audio had any samples; not called
        after `clear`.
    """

    def __init__(self, on_started: Callable[[], None], on_stopped: Callable[[], None]) -> None:
        self._on_started = on_started
        self._on_stopped = on_stopped
        self._waiting: deque[Pcm] = deque()
        self._samples_waiting = 0
        self._samples_played = 0
        self._is_written = False
        self._is_finished = False
        self._is_over = False

    @property
    def has_started(self) -> bool:
        """Whether a sample has been sent."""
        return self._samples_played > 0

    @property
    def is_over(self) -> bool:
        """Whether no more samples will be sent."""
        return self._is_over

    @property
    def waiting_seconds(self) -> float:
        """Duration of the audio that has not been sent."""
        return self._samples_waiting / RATE

    @property
    def played_ms(self) -> int:
        """Duration of the audio that has been sent, in milliseconds."""
        return self._samples_played * 1000 // RATE

    def write(self, pcm: Pcm) -> None:
        """Add audio (48 kHz, 16 bit, mono)."""
        self._is_written = True
        if len(pcm) and not self._is_over:
            self._waiting.append(pcm)
            self._samples_waiting += len(pcm)

    def finish(self) -> None:
        """Declare the audio complete."""
        self._is_finished = True
        if not self._is_written:
            self._is_over = True

    def clear(self) -> None:
        """Drop the audio that has not been sent yet."""
        self._waiting.clear()
        self._samples_waiting = 0
        self._is_over = True

    def read(self, length: int) -> Pcm:
        """Return the next samples, at most `length`; fewer if no more have been written yet."""
        taken: list[Pcm] = []
        while self._waiting and length > 0:
            head = self._waiting.popleft()
            if len(head) > length:
                self._waiting.appendleft(head[length:])
                head = head[:length]
            taken.append(head)
            length -= len(head)
        pcm = np.concatenate(taken) if taken else np.zeros(0, np.int16)
        self._samples_waiting -= len(pcm)
        if len(pcm) and not self.has_started:
            self._samples_played = len(pcm)
            self._on_started()
        else:
            self._samples_played += len(pcm)
        if self._is_finished and not self._waiting and not len(pcm) and not self._is_over:
            self._is_over = True
            self._on_stopped()
        return pcm


class VoiceTrack(MediaStreamTrack):
    """An audio track of 20 ms frames at 48 kHz in real time; it sends silence between playbacks."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._playbacks: deque[Playback] = deque()
        self._has_read = asyncio.Event()
        self._frames_sent = 0
        self._origin: float | None = None

    def play(self, playback: Playback) -> None:
        """Play `playback` after the earlier ones."""
        self._playbacks.append(playback)

    async def until_room(self, playback: Playback) -> None:
        """Wait while more than `MAX_WAITING_SECONDS` wait, unless `playback` has nothing left to play."""
        # Otherwise the audio of those behind it would keep the first playback from going on.
        while not playback.is_over and playback.waiting_seconds > 0 and self._waiting_seconds > MAX_WAITING_SECONDS:
            self._has_read.clear()
            await self._has_read.wait()

    @property
    def _waiting_seconds(self) -> float:
        return sum(playback.waiting_seconds for playback in self._playbacks)

    async def recv(self) -> AudioFrame:
        """Wait until the next frame is due, and return it."""
        if self.readyState != "live":
            raise MediaStreamError
        await self._due()
        frame = AudioFrame.from_ndarray(self.next_pcm()[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = RATE
        frame.time_base = Fraction(1, RATE)
        frame.pts = self._frames_sent * FRAME_LENGTH
        self._frames_sent += 1
        return frame

    async def _due(self) -> None:
        # Count from the first frame, not from the last: small delays must not add up to drift.
        now = asyncio.get_running_loop().time()
        if self._origin is None:
            self._origin = now
        wait = self._origin + self._frames_sent * FRAME_SECONDS - now
        if wait > 0:
            await asyncio.sleep(wait)
        elif wait < -MAX_LAG_SECONDS:
            self._origin -= wait

    def next_pcm(self) -> Pcm:
        """Return the audio of the next frame."""
        self._has_read.set()
        pcm = np.zeros(FRAME_LENGTH, np.int16)
        while self._playbacks:
            if not self._playbacks[0].is_over:
                played = self._playbacks[0].read(FRAME_LENGTH)
                pcm[: len(played)] = played
            if not self._playbacks[0].is_over:
                break
            self._playbacks.popleft()
        return pcm
