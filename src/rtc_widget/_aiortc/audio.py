"""Changing how many samples make a second."""

from __future__ import annotations

import numpy as np
from av import AudioFrame, AudioResampler

from rtc_widget.server.speech import Samples, Sound, samples_of


class Resampler:
    """Turns a stream of PyAV frames, whatever their rate and layout, into mono samples at `rate`."""

    def __init__(self, rate: int) -> None:
        # Not floats: with them FFmpeg adds the channels up to 1.4 times their level.
        self._resampler = AudioResampler(format="s16", layout="mono", rate=rate)

    def resample(self, frame: AudioFrame | None) -> Samples:
        """Return what `frame` adds; `None` asks for what is left at the end."""
        pieces = [out.to_ndarray()[0] for out in self._resampler.resample(frame)]
        return samples_of(np.concatenate([np.zeros(0, np.int16), *pieces]) / np.float32(32768))


class StreamResampler:
    """Brings samples that come piece by piece from one rate to another, without a seam between them."""

    def __init__(self, given: int, wanted: int) -> None:
        self._given = given
        self._resampler = Resampler(wanted)

    def add(self, samples: Samples) -> Samples:
        """Return what `samples` add."""
        if len(samples) == 0:
            return samples
        frame = AudioFrame.from_ndarray(samples[np.newaxis], format="flt", layout="mono")
        frame.sample_rate = self._given
        return self._resampler.resample(frame)

    def rest(self) -> Samples:
        """Return what is left at the end."""
        return self._resampler.resample(None)


def resampled(sound: Sound, rate: int) -> Sound:
    """Return `sound` at `rate` samples per second."""
    if sound.rate == rate or len(sound.samples) == 0:
        return Sound(sound.samples, rate)
    resampler = StreamResampler(sound.rate, rate)
    return Sound(np.concatenate([resampler.add(sound.samples), resampler.rest()]), rate)
