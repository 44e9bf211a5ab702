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
"""Seconds without a packet after which silence is assumed, so that a turn ends though its sender fell silent."""


def minimize_jitter_buffer(receiver: RTCRtpReceiver) -> None:
    """Make `receiver` hand over each packet as soon as the next is there.

    aiortc holds back four, 80 ms, for the sake of an even playback. A listener needs none of that, and a person who
    interrupts is heard 60 ms earlier. Packets in the wrong order are still put right. aiortc has no setting for it;
    should a later one have no such buffer, nothing is changed.
    """
    buffer = getattr(receiver, "_RTCRtpReceiver__jitter_buffer", None)
    if buffer is not None and hasattr(buffer, "_prefetch"):
        buffer._prefetch = 1


async def input_samples(track: MediaStreamTrack, rate: int) -> AsyncIterator[Samples]:
    """Yield what arrives on `track`, at `rate` samples per second, until it ends; a gap in the packets is silence."""
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
