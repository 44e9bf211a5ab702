"""The audio that a headless page sends: silence, a clip in place of the microphone, or a clip that Python plays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from av import AudioFrame

from rtc_widget._aiortc.output_track import FRAME_LENGTH, Pcm, Playback, VoiceTrack
from rtc_widget.errors import ClipInterrupted
from rtc_widget.errors.texts import PAGE_MESSAGES


@dataclass(frozen=True, slots=True)
class PlayedInterval:
    """When a clip was played: milliseconds since 1970, by the page's clock."""

    start_ms: float
    end_ms: float


class MicrophoneTrack(VoiceTrack):
    """The audio track of one call; created and used on the page's loop.

    Parameters
    ----------
    is_muted : callable
        Called for each frame.
    on_frame : callable
        Called with each frame that is sent.
    """

    def __init__(self, is_muted: Callable[[], bool], on_frame: Callable[[AudioFrame], None]) -> None:
        super().__init__()
        self._is_muted = is_muted
        self._on_frame = on_frame
        self._input: Playback | None = None
        self._waiting_clips = 0
        self._is_retired = False

    async def recv(self) -> AudioFrame:
        """Return the next frame when it is due."""
        frame = await super().recv()
        self._on_frame(frame)
        return frame

    def next_pcm(self) -> Pcm:
        """Return the next samples: of a clip that Python plays, else of the microphone, unless it is muted."""
        played, microphone = super().next_pcm(), np.zeros(FRAME_LENGTH, np.int16)
        if self._input is not None:
            # Read also while muted or while a clip plays: a microphone does not pause.
            samples = self._input.read(FRAME_LENGTH)
            microphone[: len(samples)] = samples
        if self._waiting_clips and not self._is_retired:
            return played
        return np.zeros_like(microphone) if self._is_muted() else microphone

    def play_input(self, pcm: Pcm) -> None:
        """Use `pcm` (48 kHz, 16 bit) as the microphone's input from now on."""
        self._input = Playback(lambda: None, lambda: None)
        self._input.write(pcm)

    def retire(self) -> None:
        """Send silence from now on: clips are cut off, and no more are taken."""
        self._is_retired = True
        self._input = None
        self.emit("retired")

    async def play_clip(self, pcm: Pcm) -> PlayedInterval:
        """Play `pcm` in place of the microphone, after earlier clips; muting does not affect it.

        Raises
        ------
        ClipInterrupted
            If the call ends first.
        """
        played: asyncio.Future[PlayedInterval] = asyncio.get_running_loop().create_future()
        started: list[float] = []

        def stop() -> None:
            if not played.done():
                played.set_result(PlayedInterval(started[0], time.time() * 1000))

        def interrupt() -> None:
            if not played.done():
                played.set_exception(_interrupted())

        if self._is_retired or self.readyState != "live":
            raise _interrupted()
        if not len(pcm):
            now = time.time() * 1000
            return PlayedInterval(now, now)
        playback = Playback(lambda: started.append(time.time() * 1000), stop)
        playback.write(pcm)
        playback.finish()
        for end in ("ended", "retired"):
            self.add_listener(end, interrupt)
        self._waiting_clips += 1
        self.play(playback)
        try:
            return await played
        finally:
            playback.clear()
            self._waiting_clips -= 1
            for end in ("ended", "retired"):
                self.remove_listener(end, interrupt)


def _interrupted() -> ClipInterrupted:
    return ClipInterrupted(PAGE_MESSAGES[ClipInterrupted.code])
