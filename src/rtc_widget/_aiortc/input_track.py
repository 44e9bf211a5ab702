"""Input audio: a remote track as mono samples."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
from aiortc import RTCRtpReceiver
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from rtc_widget._aiortc.audio import Resampler, Samples

MAX_GAP_SECONDS = 0.2
"""Seconds without a packet after which the input counts as silence, so that turn detection can end the turn."""


def minimize_jitter_buffer(receiver: RTCRtpReceiver) -> None:
    """Make `receiver` deliver each packet as soon as the next one arrives.

    aiortc keeps four packets (80 ms) for even playback. Speech recognition does not need even playback, and an
    interruption is detected 60 ms earlier. Packets are still put into order. aiortc has no setting for this. If a later
    version has no such buffer, this function does nothing.
    """
    buffer = getattr(receiver, "_RTCRtpReceiver__jitter_buffer", None)
    if buffer is not None and hasattr(buffer, "_prefetch"):
        buffer._prefetch = 1


async def input_samples(track: MediaStreamTrack, rate: int) -> AsyncIterator[Samples]:
    """Yield the samples of `track` at `rate` samples per second until it ends; a gap in the packets becomes silence."""
    resampler = Resampler(rate)
    silence = np.zeros(round(MAX_GAP_SECONDS * rate), np.float32)
    receiving: asyncio.Future[object] | None = None
    try:
        while True:
            receiving = receiving or asyncio.ensure_future(track.recv())
            await asyncio.wait({receiving}, timeout=MAX_GAP_SECONDS)
            if not receiving.done():
                yield silence
                continue
            frame, receiving = receiving.result(), None
            if isinstance(frame, AudioFrame):
                yield resampler.resample(frame)
    except MediaStreamError:
        return
    finally:
        if receiving is not None:
            receiving.cancel()
