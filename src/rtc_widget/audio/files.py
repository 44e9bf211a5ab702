"""Audio files and resampling, with FFmpeg (PyAV)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from rtc_widget.audio.clip import require_numpy
from rtc_widget.errors import InvalidAudio

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rtc_widget.audio.clip import Integers


def decoded(path: Path) -> tuple[npt.NDArray[np.float32], int]:
    """Return the first sound of a file, channels first, and its rate.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file.
    InvalidAudio
        If FFmpeg finds no sound in it.
    """
    np, av = require_numpy(), _require_av()
    # FFmpeg's own words for a missing file are fewer.
    with path.open("rb") as file:
        try:
            with av.open(file, "r") as container:
                stream = next(iter(container.streams.audio), None)
                if stream is None:
                    raise InvalidAudio(f"{path} holds no sound.", hint="Give a WAV, FLAC, MP3, Ogg or WebM file.")
                rate = int(stream.rate)
                pieces = list(_arrays(container.decode(stream), av.AudioResampler(format="fltp")))
        except (av.error.FFmpegError, av.error.InvalidDataError) as error:
            raise InvalidAudio(
                f"{path} cannot be read as sound: {error.strerror}.", hint="Give a WAV, FLAC, MP3, Ogg or WebM file."
            ) from error
    if not pieces:
        raise InvalidAudio(f"{path} holds no samples.", hint="The recording may have been stopped before it began.")
    # A decoder may overshoot what it was given by a little.
    return np.clip(np.concatenate(pieces, axis=1), -1, 1), rate


def resampled(samples: npt.NDArray[np.float32], rate: int, new_rate: int) -> npt.NDArray[np.float32]:
    """Return mono `samples`, which have `rate` samples per second, at `new_rate`.

    Raises
    ------
    ImportError
        If numpy or PyAV is not installed; says how to install them.
    """
    require_numpy()
    _require_av()
    from rtc_widget._aiortc import audio

    return audio.resampled(audio.MonoAudio(samples, rate), new_rate).samples


def write_flac(file: BinaryIO, blocks: Iterable[Integers], rate: int) -> None:
    """Write stereo of 16 bits: arrays of shape (2, n), left and right."""
    np, av = require_numpy(), _require_av()
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=rate, layout="stereo")
        stream.format = "s16"
        for block in blocks:
            # Interleaved, as FLAC's encoder wants it.
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T).reshape(1, -1), "s16", "stereo")
            frame.sample_rate = rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def read_flac(file: BinaryIO) -> tuple[int, Iterator[Integers]]:
    """Return the rate of what `write_flac` wrote, and its blocks; the file must stay open meanwhile.

    Raises
    ------
    ValueError
        If it is no such sound.
    """
    av = _require_av()
    try:
        container = av.open(file, "r", format="flac")
    except av.error.FFmpegError as error:
        raise ValueError(f"the recording cannot be read: {error.strerror}") from error
    stream = container.streams.audio[0]
    if stream.layout.nb_channels != 2:
        raise ValueError(f"the recording has {stream.layout.nb_channels} channels, not 2")
    return int(stream.rate), _blocks(container, stream)


def _blocks(container: Any, stream: Any) -> Iterator[Integers]:
    av = _require_av()
    try:
        with container:
            for frame in container.decode(stream):
                yield frame.to_ndarray().reshape(-1, 2).T
    except av.error.FFmpegError as error:
        raise ValueError(f"the recording cannot be read: {error.strerror}") from error


def _arrays(frames: Iterable[Any], resampler: Any) -> Iterator[npt.NDArray[np.float32]]:
    for frame in chain(frames, [None]):
        for piece in resampler.resample(frame):
            yield piece.to_ndarray()


def _require_av() -> Any:
    try:
        import av
    except ImportError:
        raise ImportError("Sound files and changes of rate need PyAV: pip install 'rtc-widget[data]'") from None
    return av
