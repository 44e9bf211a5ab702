from __future__ import annotations

import asyncio
from fractions import Fraction

import numpy as np
import pytest
from aiortc import RTCRtpReceiver
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from rtc_widget._aiortc.input_track import input_samples, minimize_jitter_buffer

INPUT_RATE = 16_000


class Track(MediaStreamTrack):
    """Delivers so many frames at once, then nothing for a while, then ends."""

    kind = "audio"

    def __init__(self, frames: int, *, gap: float = 0.0) -> None:
        super().__init__()
        self._left, self._gap, self._at = frames, gap, 0

    async def recv(self) -> AudioFrame:
        if not self._left:
            await asyncio.sleep(self._gap)
            raise MediaStreamError
        self._left -= 1
        time = np.arange(self._at, self._at + 960) / 48_000
        wave = (8000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16)
        frame = AudioFrame.from_ndarray(np.repeat(wave, 2)[np.newaxis], format="s16", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = 48_000, Fraction(1, 48_000), self._at
        self._at += 960
        return frame


async def test_a_stereo_track_becomes_mono_at_the_requested_rate() -> None:
    heard = np.concatenate([samples async for samples in input_samples(Track(50), INPUT_RATE)])

    assert len(heard) == pytest.approx(INPUT_RATE, abs=64)
    assert heard.dtype == np.float32
    assert np.abs(heard).max() == pytest.approx(8000 / 32768, rel=0.05)
    assert np.argmax(np.abs(np.fft.rfft(heard))) == pytest.approx(440, abs=3)


async def test_a_gap_is_heard_as_silence() -> None:
    heard = np.concatenate([samples async for samples in input_samples(Track(5, gap=0.7), INPUT_RATE)])

    assert len(heard) == pytest.approx((0.1 + 0.6) * INPUT_RATE, abs=64)
    assert not heard[-INPUT_RATE // 2 :].any()


def test_the_jitter_buffer_of_this_aiortc_can_be_hurried() -> None:
    receiver = RTCRtpReceiver("audio", Transport())  # type: ignore[arg-type]
    minimize_jitter_buffer(receiver)

    assert receiver._RTCRtpReceiver__jitter_buffer._prefetch == 1  # type: ignore[attr-defined]


class Transport:
    state = "new"
