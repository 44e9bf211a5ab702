"""Mono audio in memory, and the resampling of it with PyAV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from av import AudioFrame

Samples = npt.NDArray[np.float32]
"""Mono audio: float32 of shape ``(n,)``, between -1 and 1."""


@dataclass(frozen=True, slots=True)
class MonoAudio:
    """Mono samples and their rate.

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
        """Duration in seconds."""
        return len(self.samples) / self.rate

    def at(self, rate: int) -> MonoAudio:
        """Return the audio resampled to `rate` samples per second."""
        return resampled(self, rate)


def samples_of(values: Any) -> Samples:
    """Return `values` as contiguous mono float32 samples."""
    return np.ascontiguousarray(values, dtype=np.float32).reshape(-1)


class Resampler:
    """Resamples a stream of PyAV frames to mono.

    Parameters
    ----------
    rate : int
        Samples per second of the result.
    sample_format : {"s16", "flt"}
        How FFmpeg computes. Use ``"s16"`` for frames of several channels: in ``"flt"`` FFmpeg adds the channels to up
        to 1.4 times their level. ``"flt"`` does not round the samples to 16 bits.
    """

    def __init__(self, rate: int, sample_format: Literal["s16", "flt"] = "s16") -> None:
        # Here, because PyAV is optional and takes 0.1 s to load: `MonoAudio` alone does not need it.
        from av import AudioResampler

        self._scale = np.float32(32768 if sample_format == "s16" else 1)
        self._resampler = AudioResampler(format=sample_format, layout="mono", rate=rate)

    def resample(self, frame: AudioFrame | None) -> Samples:
        """Return the samples that `frame` adds; `None` returns the last ones and ends the stream."""
        pieces = [out.to_ndarray()[0] / self._scale for out in self._resampler.resample(frame)]
        # The filter may exceed the range of its input a little.
        return samples_of(np.clip(np.concatenate([np.zeros(0, np.float32), *pieces]), -1, 1))


class StreamResampler:
    """Resamples mono samples that come in pieces, without a seam between the pieces.

    Parameters
    ----------
    rate, new_rate : int
        Samples per second of the pieces and of the result.
    """

    def __init__(self, rate: int, new_rate: int) -> None:
        self._rate = rate
        self._resampler = Resampler(new_rate, "flt")

    def add(self, samples: Samples) -> Samples:
        """Return the samples that the piece `samples` adds."""
        from av import AudioFrame

        pieces = [np.zeros(0, np.float32)]
        for at in range(0, len(samples), MAX_FRAME_LENGTH):
            piece = np.ascontiguousarray(samples[np.newaxis, at : at + MAX_FRAME_LENGTH])
            frame = AudioFrame.from_ndarray(piece, format="flt", layout="mono")
            frame.sample_rate = self._rate
            pieces.append(self._resampler.resample(frame))
        return np.concatenate(pieces)

    def rest(self) -> Samples:
        """Return the last samples and end the stream."""
        return self._resampler.resample(None)


MAX_FRAME_LENGTH = 1 << 24
"""Samples in one frame: FFmpeg counts the bytes of a frame in 32 bits."""


def resampled(audio: MonoAudio, rate: int) -> MonoAudio:
    """Return `audio` at `rate` samples per second."""
    if audio.rate == rate or len(audio.samples) == 0:
        return MonoAudio(audio.samples, rate)
    resampler = StreamResampler(audio.rate, rate)
    return MonoAudio(np.concatenate([resampler.add(audio.samples), resampler.rest()]), rate)
