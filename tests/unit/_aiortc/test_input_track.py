from __future__ import annotations

import asyncio
import time
from fractions import Fraction

import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from rtc_widget._aiortc.input_track import MAX_GAP_SECONDS, Late, input_samples

INPUT_RATE = 16_000


class Track(MediaStreamTrack):
    """Delivers frames of 20 ms: an int of the script is their number, a float a time in which none arrives."""

    kind = "audio"

    def __init__(self, *script: float, first: int = 0) -> None:
        super().__init__()
        self._steps = iter([step for part in script for step in ([None] * part if isinstance(part, int) else [part])])
        self._at, self._timestamp = 0, first

    async def recv(self) -> AudioFrame:
        for step in self._steps:
            if isinstance(step, float):
                await asyncio.sleep(step)
                continue
            return self._frame()
        raise MediaStreamError

    def lose(self, seconds: float) -> None:
        self._timestamp += round(seconds * 48_000)

    def _frame(self) -> AudioFrame:
        seconds = np.arange(self._at, self._at + 960) / 48_000
        wave = (8000 * np.sin(2 * np.pi * 440 * seconds)).astype(np.int16)
        frame = AudioFrame.from_ndarray(np.repeat(wave, 2)[np.newaxis], format="s16", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = 48_000, Fraction(1, 48_000), self._timestamp % 2**32
        self._at += 960
        self._timestamp += 960
        return frame


async def heard_of(track: Track, lose: float = 0.0) -> tuple[np.ndarray, float]:
    """Return the samples, and the time for which the track was late; `lose` seconds are lost after the first frame."""
    pieces, late = [], 0.0
    async for piece in input_samples(track, INPUT_RATE):
        if isinstance(piece, Late):
            late += piece.seconds
        else:
            if not pieces:
                track.lose(lose)
            pieces.append(piece)
    return np.concatenate(pieces), late


async def test_a_stereo_track_becomes_mono_at_the_requested_rate() -> None:
    heard, _ = await heard_of(Track(50))

    assert len(heard) == pytest.approx(INPUT_RATE, abs=64)
    assert heard.dtype == np.float32
    assert np.abs(heard).max() == pytest.approx(8000 / 32768, rel=0.05)
    assert np.argmax(np.abs(np.fft.rfft(heard))) == pytest.approx(440, abs=3)


async def test_late_audio_is_complete_and_nothing_is_added() -> None:
    heard, late = await heard_of(Track(5, 0.7, 5))

    assert len(heard) == pytest.approx(0.2 * INPUT_RATE, abs=64)
    assert late > 0


@pytest.mark.parametrize("first", [0, 2**32 - 2000])
async def test_what_the_timestamps_leave_out_is_silence(first: int) -> None:
    heard, _ = await heard_of(Track(10, first=first), lose=0.7)

    assert len(heard) == pytest.approx((0.2 + 0.7) * INPUT_RATE, abs=64)
    assert not heard[round(0.05 * INPUT_RATE) : round(0.7 * INPUT_RATE)].any()


async def test_a_peer_that_sent_nothing_for_an_hour_was_silent_for_some_seconds() -> None:
    heard, _ = await heard_of(Track(10), lose=3600)

    assert len(heard) == pytest.approx((0.2 + MAX_GAP_SECONDS) * INPUT_RATE, abs=64)


async def test_timestamps_that_step_back_add_nothing() -> None:
    heard, _ = await heard_of(Track(10, first=48_000), lose=-0.5)

    assert len(heard) == pytest.approx(0.2 * INPUT_RATE, abs=64)


async def test_a_process_that_was_stopped_does_not_take_that_for_silence_of_the_peer() -> None:
    track = Track(5, 0.2, 5)

    async def stop() -> None:
        await asyncio.sleep(0.01)
        time.sleep(1)  # noqa: ASYNC251 - nothing runs meanwhile

    stopping = asyncio.ensure_future(stop())
    _, late = await heard_of(track)
    await stopping
    assert late < 0.5
