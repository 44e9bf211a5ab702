"""Audio of a peer on aiortc: the tracks that it sends, and the reading of those that it receives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from rtc_widget._aiortc.output_track import FRAME_LENGTH, Pcm, VoiceTrack
from rtc_widget.headless.peers.sources import AudioSource


class SourceTrack(VoiceTrack):
    """A track that sends an audio source in real time.

    Attributes
    ----------
    label : str
        What the track is called.
    enabled : bool
        Whether it sends its audio; else silence.
    level : float
        The peak of its last frame, from 0 to 1.
    """

    def __init__(self, source: AudioSource) -> None:
        super().__init__()
        self._source = source
        self.label = source.label
        self.enabled = True
        self.level = 0.0

    def next_pcm(self) -> Pcm:
        """Return the next samples of the source, which goes on while the track is disabled."""
        pcm = self._source.read(FRAME_LENGTH)
        if not self.enabled:
            pcm = np.zeros_like(pcm)
        self.level = float(np.abs(pcm.astype(np.int32)).max(initial=0)) / 32768
        return pcm


async def consume(track: MediaStreamTrack, on_level: Callable[[float], None]) -> None:
    """Read a remote track until it ends; call `on_level` with the peak of each frame, from 0 to 1."""
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        samples = frame.to_ndarray()  # type: ignore[union-attr]
        on_level(float(np.abs(samples.astype(np.int32)).max(initial=0)) / 32768)
