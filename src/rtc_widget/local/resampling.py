"""Changing how many samples make a second."""

from __future__ import annotations

import numpy as np
from av import AudioFrame, AudioResampler

from rtc_widget.local.speech import Samples, Sound, samples_of


class Resampler:
    """Turns a stream of PyAV frames, whatever their rate and layout, into mono samples at `rate`."""

    def __init__(self, rate: int) -> None:
        # Not floats: with them FFmpeg adds the channels up to 1.4 times their level.
        self._resampler = AudioResampler(format="s16", layout="mono", rate=rate)

    def resample(self, frame: AudioFrame | None) -> Samples:
        """Return what `frame` adds; `None` asks for what is left at the end."""
        pieces = [out.to_ndarray()[0] for out in self._resampler.resample(frame)]
        return samples_of(np.concatenate([np.zeros(0, np.int16), *pieces]) / np.float32(32768))


def resampled(sound: Sound, rate: int) -> Sound:
    """Return `sound` at `rate` samples per second."""
    if sound.rate == rate or len(sound.samples) == 0:
        return Sound(sound.samples, rate)
    frame = AudioFrame.from_ndarray(sound.samples[np.newaxis], format="flt", layout="mono")
    frame.sample_rate = sound.rate
    resampler = Resampler(rate)
    return Sound(np.concatenate([resampler.resample(frame), resampler.resample(None)]), rate)
