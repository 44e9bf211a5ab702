"""Input audio: a remote track as mono samples.

What is missing follows from the RTP timestamps (RFC 3550), the clock of the media. The clock of this machine says only
that nothing has arrived for a while: on a loaded machine or a slow network audio is late, and comes after all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from rtc_widget._aiortc.audio import Resampler, Samples

TICK_SECONDS = 0.05
"""Packets arrive every 20 ms; after so long without one, the audio is late."""

MAX_GAP_SECONDS = 5.0
"""A longer gap in the timestamps becomes silence of this duration. A peer may send nothing for hours."""

_TIMESTAMPS = 2**32


@dataclass(frozen=True, slots=True)
class Late:
    """Nothing has arrived for `seconds` more. The audio may come later or be lost."""

    seconds: float


async def input_samples(track: MediaStreamTrack, rate: int) -> AsyncIterator[Samples | Late]:
    """Yield the samples of `track` at `rate` samples per second until it ends.

    A gap in the timestamps becomes silence, once the audio after it has arrived. `Late` is yielded meanwhile, for those
    who must decide before.
    """
    resampler = Resampler(rate)
    expected: tuple[int, Fraction] | None = None
    loop = asyncio.get_running_loop()
    receiving: asyncio.Future[object] | None = None
    try:
        while True:
            receiving = receiving or asyncio.ensure_future(track.recv())
            since = loop.time()
            await asyncio.wait({receiving}, timeout=TICK_SECONDS)
            if not receiving.done():
                # When this process was stopped meanwhile, what was sent is still in the socket: one tick is told.
                yield Late(min(loop.time() - since, 2 * TICK_SECONDS))
                continue
            frame, receiving = receiving.result(), None
            if isinstance(frame, AudioFrame) and frame.pts is not None and frame.time_base is not None:
                gap = _gap_seconds(expected, frame)
                if gap > 0:
                    yield np.zeros(round(gap * rate), np.float32)
                samples = Fraction(frame.samples, frame.sample_rate) / frame.time_base
                expected = (frame.pts + round(samples), frame.time_base)
            if isinstance(frame, AudioFrame):
                yield resampler.resample(frame)
    except MediaStreamError:
        return
    finally:
        if receiving is not None:
            receiving.cancel()


def _gap_seconds(expected: tuple[int, Fraction] | None, frame: AudioFrame) -> float:
    """Return the duration that is missing before `frame`, whose timestamp was `expected` with its time base."""
    if expected is None or expected[1] != frame.time_base or frame.pts is None:
        return 0.0
    ticks = (frame.pts - expected[0]) % _TIMESTAMPS
    # Half of the range and more is a step back: another source, or a packet that was sent twice.
    return 0.0 if ticks >= _TIMESTAMPS // 2 else min(float(ticks * expected[1]), MAX_GAP_SECONDS)
