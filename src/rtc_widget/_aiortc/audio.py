"""Mono audio in memory, and the resampling of it with PyAV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from av import AudioFrame

Samples = npt.NDArray[np.float32]
"""Mono audio: float32 of shape ``(n,)``, between -1 and 1."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono samples and how many of them make a second.

    Attributes
    ----------
    samples : numpy.ndarray
        float32 of shape ``(n,)``; may be empty.
    rate : int
        Samples per second.
    """

    samples: Samples
    rate: int

    @property
    def seconds(self) -> float:
        """How long the sound lasts."""
        return len(self.samples) / self.rate

    def at(self, rate: int) -> Sound:
        """Return the sound with `rate` samples per second."""
        return resampled(self, rate)


def samples_of(values: Any) -> Samples:
    """Return `values` as contiguous mono float32 samples."""
    return np.ascontiguousarray(values, dtype=np.float32).reshape(-1)


class Resampler:
    """Turns a stream of PyAV frames, whatever their rate and layout, into mono samples at `rate`."""

    def __init__(self, rate: int) -> None:
        # Here, because PyAV is optional and takes 0.1 s to load: `Sound` alone does not need it.
        from av import AudioResampler

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
        from av import AudioFrame

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
