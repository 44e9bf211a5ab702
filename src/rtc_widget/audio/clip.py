"""Audio clips: read, cut, resample, plot, play and write them."""

from __future__ import annotations

import base64
import io
import operator
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from rtc_widget.errors import InvalidAudio
from rtc_widget.optional import require_numpy

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.figure import Figure

    from rtc_widget.audio.arrays import Integers, Samples

RATE: Final = 24_000
"""The default sample rate in Hz: that of the Realtime API's PCM audio."""
MAX_CHANNELS = 8
_BLOCK = 1 << 20
"""Long clips are converted in blocks of so many samples."""
_MAX_PLAYER_SECONDS = 300.0


class AudioClip:
    """An immutable piece of mono audio.

    Parameters
    ----------
    samples : array_like
        Floats between -1 and 1, or signed integers of 16 or 32 bits, which are scaled to this range. The shape is
        ``(n,)``, ``(channels, n)`` or ``(n, channels)``; channels are mixed down to their mean.
    sample_rate : int
        Samples per second (Hz), from 1,000 to 768,000.
    start : float
        The time of the first sample in seconds. Clips of a recording count from the start of the call.

    Attributes
    ----------
    sample_rate : int
        Samples per second (Hz).
    start, end, duration : float
        Seconds; `between` takes times on the same time base.

    Raises
    ------
    InvalidAudio
        If the samples are empty, not finite numbers, outside -1 to 1, or of another shape.
    ImportError
        If numpy is not installed (extra ``data``).

    Examples
    --------
    >>> import numpy as np
    >>> beep = AudioClip(0.5 * np.sin(2 * np.pi * 440 * np.arange(24_000) / 24_000))
    >>> beep
    <AudioClip: 1.00 s at 24 kHz, peak 0.50>
    >>> beep.between(0.25, 0.5).duration
    0.25
    """

    __slots__ = ("_pcm", "sample_rate", "start")
    sample_rate: int
    start: float

    def __init__(self, samples: npt.ArrayLike, sample_rate: int = RATE, *, start: float = 0.0) -> None:
        self._set(_mono(samples), _whole_rate(sample_rate), float(start))

    @classmethod
    def from_file(cls, path: str | Path) -> AudioClip:
        """Read an audio file in any format that FFmpeg decodes: WAV, FLAC, MP3, Ogg, WebM … (extra ``data``: PyAV).

        Raises
        ------
        FileNotFoundError
            If the file does not exist.
        InvalidAudio
            If FFmpeg finds no audio that it can decode.
        ImportError
            If numpy or PyAV is not installed.
        """
        from rtc_widget.audio.files import decode

        samples, rate = decode(Path(path).expanduser())
        return cls(samples, rate)

    @classmethod
    def of(cls, source: AudioClip | str | Path | npt.ArrayLike) -> AudioClip:
        """Return a clip from a clip, the path of an audio file, or samples at 24 kHz."""
        if isinstance(source, AudioClip):
            return source
        if isinstance(source, str | Path):
            return cls.from_file(source)
        return cls(source)

    @property
    def samples(self) -> Samples:
        """The samples as float32 between -1 and 1, shape ``(n,)``, read-only.

        A recording is stored as 16-bit integers and converted at each access. Cut a long recording with `between`
        first: one hour of floats at 24 kHz takes 345 MB.
        """
        return _floats(self._pcm)

    @property
    def pcm(self) -> Integers:
        """The samples as signed 16-bit integers, shape ``(n,)``."""
        np = require_numpy()
        pieces = [_integers(self._pcm[at : at + _BLOCK]) for at in range(0, len(self._pcm), _BLOCK)]
        whole: Integers = self._pcm if self._pcm.dtype == np.int16 else np.concatenate(pieces)
        return whole

    @property
    def duration(self) -> float:
        """The length in seconds."""
        return len(self._pcm) / self.sample_rate

    @property
    def end(self) -> float:
        """The end time in seconds: ``start + duration``."""
        return self.start + self.duration

    @property
    def peak(self) -> float:
        """The largest absolute sample: 0 is silence, 1 is full scale."""
        return max(float(abs(self._block(at)).max()) for at in range(0, len(self._pcm), _BLOCK))

    @property
    def rms(self) -> float:
        """The root mean square of the samples, from 0 to 1."""
        total = sum(float((self._block(at) ** 2).sum(dtype=float)) for at in range(0, len(self._pcm), _BLOCK))
        return float((total / len(self._pcm)) ** 0.5)

    def between(self, start: float, end: float | None = None) -> AudioClip:
        """Return the part between two times. Times outside the clip are cut to its start and end.

        Parameters
        ----------
        start : float
            Seconds on the clip's time base, such as ``turn.start``.
        end : float, optional
            Seconds on the same time base, such as ``turn.end``. The default is the end of the clip.

        Raises
        ------
        InvalidAudio
            If the clip has no samples between the two times.
        """
        end = self.end if end is None else end
        first = max(0, round((start - self.start) * self.sample_rate))
        last = min(len(self._pcm), round((end - self.start) * self.sample_rate))
        if first >= last:
            raise InvalidAudio(
                f"The clip has no audio between {start:g} s and {end:g} s.",
                hint=f"It lasts from {self.start:g} s to {self.end:g} s.",
            )
        part = object.__new__(AudioClip)
        # A view: a part of a long recording needs no memory of its own.
        part._set(self._pcm[first:last], self.sample_rate, self.start + first / self.sample_rate)
        return part

    def resample(self, sample_rate: int) -> AudioClip:
        """Return the same audio at another sample rate (extra ``data``: PyAV).

        Parameters
        ----------
        sample_rate : int
            Samples per second (Hz), from 1,000 to 768,000.

        Raises
        ------
        InvalidAudio
            If `sample_rate` is not such an integer.
        ImportError
            If numpy or PyAV is not installed.
        """
        sample_rate = _whole_rate(sample_rate)
        if sample_rate == self.sample_rate:
            return self
        from rtc_widget.audio.files import resample

        return AudioClip(resample(self.samples, self.sample_rate, sample_rate), sample_rate, start=self.start)

    def to_wav(self, path: str | Path) -> Path:
        """Write a WAV file (mono, 16 bits per sample) and return its path."""
        path = Path(path).expanduser()
        with path.open("wb") as file:
            self._write_wav(file)
        return path

    def plot(self, axes: Any = None) -> Figure:
        """Draw the waveform and the spectrogram over time (extra ``data``: matplotlib).

        Parameters
        ----------
        axes : pair of matplotlib.axes.Axes, optional
            The axes of the waveform and of the spectrogram. The default is a new figure.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        from rtc_widget.audio.plots import draw_clip

        return draw_clip(self, axes)

    def __len__(self) -> int:
        return len(self._pcm)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        samples = self.samples
        return samples if dtype is None else samples.astype(dtype)

    def __repr__(self) -> str:
        since = f" from {self.start:.2f} s" if self.start else ""
        return f"<AudioClip: {self.duration:.2f} s{since} at {self.sample_rate / 1000:g} kHz, peak {self.peak:.2f}>"

    def _repr_html_(self) -> str:
        words = repr(self).strip("<>")
        if self.duration > _MAX_PLAYER_SECONDS:
            # The notebook file would hold all of the audio: 64 kB per second.
            return f"<div>{words}. Too long to play here: cut it with <code>.between(start, end)</code>.</div>"
        file = io.BytesIO()
        self._write_wav(file)
        data = base64.b64encode(file.getvalue()).decode()
        return f'<div>{words}<br><audio controls preload="auto" src="data:audio/wav;base64,{data}"></audio></div>'

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("An AudioClip is immutable; create a new one.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("An AudioClip is immutable; create a new one.")

    def __reduce__(self) -> tuple[Any, ...]:
        return (_clip, (self.pcm if self._pcm.dtype.kind == "i" else self.samples, self.sample_rate, self.start))

    _pcm: Any

    def _set(self, pcm: Any, sample_rate: int, start: float) -> None:
        object.__setattr__(self, "_pcm", pcm)
        object.__setattr__(self, "sample_rate", sample_rate)
        object.__setattr__(self, "start", start)

    def _block(self, at: int) -> Samples:
        return _floats(self._pcm[at : at + _BLOCK])

    def _write_wav(self, file: BinaryIO) -> None:
        with wave.open(file, "wb") as wav:
            wav.setnchannels(1)
            wav.setsampwidth(2)
            wav.setframerate(self.sample_rate)
            for at in range(0, len(self._pcm), _BLOCK):
                wav.writeframesraw(_integers(self._pcm[at : at + _BLOCK]).astype("<i2").tobytes())


def _clip(samples: npt.ArrayLike, sample_rate: int, start: float) -> AudioClip:
    return AudioClip(samples, sample_rate, start=start)


def _mono(given: npt.ArrayLike) -> Any:
    """Return samples of shape ``(n,)``: int16 unchanged (it may be the view of a file), everything else as float32."""
    np = require_numpy()
    try:
        samples = np.asarray(given)
    except ValueError as error:
        raise InvalidAudio(f"The samples must form an array: {error}.", hint="Pass numbers of shape (n,).") from None
    if samples.ndim == 2:
        channels = 0 if samples.shape[0] < samples.shape[1] else 1
        if not 1 <= samples.shape[channels] <= MAX_CHANNELS:
            raise InvalidAudio(
                f"The shape must be (n,), (channels, n) or (n, channels), got {samples.shape}.",
                hint=f"Pass at most {MAX_CHANNELS} channels; samples[:, 0] selects the first one.",
            )
        samples = samples[0] if samples.shape[0] == 1 else _scaled(samples).mean(axis=channels)
    if samples.ndim != 1:
        raise InvalidAudio(
            f"Audio must have 1 or 2 dimensions, got {samples.ndim}.", hint="Pass numbers of shape (n,)."
        )
    if len(samples) == 0:
        raise InvalidAudio(
            "A clip must have at least one sample, got an empty array.", hint="Check the source of the audio."
        )
    if samples.dtype != np.int16:
        samples = _checked(_scaled(samples))
    elif samples.flags.writeable:
        samples = samples.copy()
    samples.flags.writeable = False
    return samples


def _whole_rate(given: Any) -> int:
    try:
        rate = operator.index(given)
    except TypeError:
        rate = 0
    if not 1000 <= rate <= 768_000:
        raise InvalidAudio(
            f"sample_rate must be an integer from 1000 to 768000 (Hz), got {given!r}.", hint="For example 24000."
        )
    return rate


def _scaled(samples: Any) -> Any:
    import numpy as np

    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    if samples.dtype in (np.int16, np.int32):
        return (samples / -float(np.iinfo(samples.dtype).min)).astype(np.float32)
    raise InvalidAudio(
        f"Samples must be floats, int16 or int32, got {samples.dtype}.",
        hint="Pass floats between -1 and 1, or int16.",
    )


def _checked(samples: Any) -> Any:
    import numpy as np

    if not np.isfinite(samples).all():
        at = int(np.flatnonzero(~np.isfinite(samples))[0])
        raise InvalidAudio(
            f"Samples must be finite, got {samples[at]} at index {at}.",
            hint="Use numpy.nan_to_num(samples) to replace NaN with silence.",
        )
    peak = float(abs(samples).max())
    if peak > 1.001:
        raise InvalidAudio(
            f"Float samples must be between -1 and 1, got a peak of {peak:g}.",
            hint="Divide by full scale: samples / 32768 for 16 bits, otherwise samples / abs(samples).max().",
        )
    return np.clip(samples, -1, 1)


def _floats(pcm: Any) -> Samples:
    np = require_numpy()
    floats: Samples = pcm if pcm.dtype == np.float32 else pcm.astype(np.float32) / np.float32(32768)
    return floats


def _integers(pcm: Any) -> Integers:
    np = require_numpy()
    integers: Integers = pcm if pcm.dtype == np.int16 else np.clip(np.rint(pcm * 32768), -32768, 32767).astype(np.int16)
    return integers
