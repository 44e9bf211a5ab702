"""Sound as a Python object: read it, cut it, look at it, listen to it, write it down."""

from __future__ import annotations

import base64
import io
import operator
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from rtc_widget.errors import InvalidAudio

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.figure import Figure

    Samples = npt.NDArray[np.float32]
    Integers = npt.NDArray[np.int16]

RATE: Final = 24_000
"""Samples a second where nothing else is said; that of the Realtime API's own sound."""
MOST_CHANNELS = 8
_BLOCK = 1 << 20
_LONGEST_PLAYER = 300.0


class AudioClip:
    """A piece of mono sound that cannot be changed.

    Parameters
    ----------
    samples : array_like
        Floats between -1 and 1 of shape ``(n,)``, or signed integers of 16 or 32 bits, which are scaled to that. Two
        dimensions are channels and samples in either order; channels are mixed down to their mean.
    sample_rate : int
        Samples a second.
    start : float
        Where the clip begins on its clock, in seconds. A recording counts from the beginning of its call.

    Attributes
    ----------
    sample_rate : int
        Samples a second.
    start, end, duration : float
        Seconds; `between` counts on the same clock.

    Raises
    ------
    InvalidAudio
        If there are no samples, samples that are no numbers or lie outside of -1 to 1, or an odd shape.
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
        """Read a sound file, whatever FFmpeg knows: WAV, FLAC, MP3, Ogg, WebM … (extra ``data``: PyAV).

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        InvalidAudio
            If it holds no sound that can be read.
        """
        from rtc_widget.audio.files import decoded

        samples, rate = decoded(Path(path).expanduser())
        return cls(samples, rate)

    @classmethod
    def of(cls, source: AudioClip | str | Path | npt.ArrayLike) -> AudioClip:
        """Return `source` as a clip: it may be one, the path of a sound file, or samples at 24 kHz."""
        if isinstance(source, AudioClip):
            return source
        if isinstance(source, str | Path):
            return cls.from_file(source)
        return cls(source)

    @property
    def samples(self) -> Samples:
        """The sound: float32 between -1 and 1, shape ``(n,)``, not to be written to.

        A recording is kept with 16 bits a sample; it is turned into floats here, each time. Of a long one take what
        you need with `between` first: an hour of floats has 345 MB.
        """
        return _floats(self._pcm)

    @property
    def pcm(self) -> Integers:
        """The sound as signed 16-bit integers, shape ``(n,)``."""
        np = require_numpy()
        pieces = [_integers(self._pcm[at : at + _BLOCK]) for at in range(0, len(self._pcm), _BLOCK)]
        whole: Integers = self._pcm if self._pcm.dtype == np.int16 else np.concatenate(pieces)
        return whole

    @property
    def duration(self) -> float:
        """Seconds from its first sample to its last."""
        return len(self._pcm) / self.sample_rate

    @property
    def end(self) -> float:
        """Where it ends on its clock, in seconds."""
        return self.start + self.duration

    @property
    def peak(self) -> float:
        """The largest sample, whatever its sign: 0 is silence, 1 as loud as can be."""
        return max(float(abs(self._block(at)).max()) for at in range(0, len(self._pcm), _BLOCK))

    @property
    def rms(self) -> float:
        """The root mean square: how loud it is all in all."""
        total = sum(float((self._block(at) ** 2).sum(dtype=float)) for at in range(0, len(self._pcm), _BLOCK))
        return float((total / len(self._pcm)) ** 0.5)

    def between(self, start: float, end: float | None = None) -> AudioClip:
        """Return what lies between two times of its clock; what reaches beyond the clip is left out.

        Parameters
        ----------
        start : float
            Seconds, such as ``turn.start``.
        end : float, optional
            Seconds, such as ``turn.end``. Left out: to the end.

        Raises
        ------
        InvalidAudio
            If nothing of the clip lies there.
        """
        end = self.end if end is None else end
        first = max(0, round((start - self.start) * self.sample_rate))
        last = min(len(self._pcm), round((end - self.start) * self.sample_rate))
        if first >= last:
            raise InvalidAudio(
                f"The clip has nothing between {start:g} s and {end:g} s.",
                hint=f"It lasts from {self.start:g} s to {self.end:g} s.",
            )
        part = object.__new__(AudioClip)
        # A view: minutes of an hour cost nothing.
        part._set(self._pcm[first:last], self.sample_rate, self.start + first / self.sample_rate)
        return part

    def resample(self, sample_rate: int) -> AudioClip:
        """Return the same sound with another number of samples a second (extra ``data``: PyAV).

        Raises
        ------
        InvalidAudio
            If that is no number of samples that sound may have.
        """
        sample_rate = _whole_rate(sample_rate)
        if sample_rate == self.sample_rate:
            return self
        from rtc_widget.audio.files import resampled

        return AudioClip(resampled(self.samples, self.sample_rate, sample_rate), sample_rate, start=self.start)

    def to_wav(self, path: str | Path) -> Path:
        """Write a WAV file, mono, 16 bits a sample, and return its path."""
        path = Path(path).expanduser()
        with path.open("wb") as file:
            self._write_wav(file)
        return path

    def plot(self, axes: Any = None) -> Figure:
        """Draw waveform and spectrogram over time (extra ``data``: matplotlib).

        Parameters
        ----------
        axes : pair of matplotlib.axes.Axes, optional
            Where to draw; left out, in a new figure.
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
        if self.duration > _LONGEST_PLAYER:
            # The sound would stand in the notebook's file: 64 kB a second.
            return f"<div>{words}. Too long for a player: cut it with <code>.between(start, end)</code>.</div>"
        file = io.BytesIO()
        self._write_wav(file)
        data = base64.b64encode(file.getvalue()).decode()
        return f'<div>{words}<br><audio controls preload="auto" src="data:audio/wav;base64,{data}"></audio></div>'

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a clip cannot be changed; make another")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a clip cannot be changed; make another")

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


def require_numpy() -> Any:
    """Return numpy, or raise an `ImportError` that says how to install it."""
    try:
        import numpy as np
    except ImportError:
        raise ImportError("Sound needs numpy: pip install 'rtc-widget[data]'") from None
    return np


def _clip(samples: npt.ArrayLike, sample_rate: int, start: float) -> AudioClip:
    return AudioClip(samples, sample_rate, start=start)


def _mono(given: npt.ArrayLike) -> Any:
    """Return the samples in one dimension: int16 as it came (it may be the view of a file), all else as float32."""
    np = require_numpy()
    try:
        samples = np.asarray(given)
    except ValueError as error:
        raise InvalidAudio(f"The samples are no array: {error}", hint="Give numbers of shape (n,).") from None
    if samples.ndim == 2:
        channels = 0 if samples.shape[0] < samples.shape[1] else 1
        if not 1 <= samples.shape[channels] <= MOST_CHANNELS:
            raise InvalidAudio(
                f"The shape {samples.shape} is neither (channels, n) nor (n, channels).",
                hint=f"There are at most {MOST_CHANNELS} channels; samples[:, 0] takes the first.",
            )
        samples = samples[0] if samples.shape[0] == 1 else _scaled(samples).mean(axis=channels)
    if samples.ndim != 1:
        raise InvalidAudio(f"Sound has one dimension or two, not {samples.ndim}.", hint="Give numbers of shape (n,).")
    if len(samples) == 0:
        raise InvalidAudio("There are no samples.", hint="A clip is never empty; check what it was made of.")
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
        raise InvalidAudio(f"sample_rate must be a positive integer (Hz), got {given!r}.", hint="For example 24000.")
    return rate


def _scaled(samples: Any) -> Any:
    import numpy as np

    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    if samples.dtype in (np.int16, np.int32):
        return (samples / -float(np.iinfo(samples.dtype).min)).astype(np.float32)
    raise InvalidAudio(
        f"Samples of type {samples.dtype} could mean anything.",
        hint="Give floats between -1 and 1, or int16.",
    )


def _checked(samples: Any) -> Any:
    import numpy as np

    if not np.isfinite(samples).all():
        at = int(np.flatnonzero(~np.isfinite(samples))[0])
        raise InvalidAudio(f"Sample {at} is {samples[at]}.", hint="Use numpy.nan_to_num(samples) to silence it.")
    peak = float(abs(samples).max())
    if peak > 1.001:
        raise InvalidAudio(
            f"The samples reach {peak:g}; floats lie between -1 and 1.",
            hint="Divide by what full loudness is: samples / 32768 for 16 bits, else samples / abs(samples).max().",
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
