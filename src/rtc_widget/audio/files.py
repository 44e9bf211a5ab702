"""Audio files and resampling, with FFmpeg (PyAV)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from rtc_widget.errors import InvalidAudio
from rtc_widget.optional import require_av, require_numpy

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rtc_widget.audio.arrays import Integers


def decode(path: Path) -> tuple[npt.NDArray[np.float32], int]:
    """Decode the first audio stream of a file.

    Returns
    -------
    samples : numpy.ndarray
        Floats between -1 and 1, shape ``(channels, n)``.
    rate : int
        Samples per second.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no file at `path`.
    InvalidAudio
        If FFmpeg finds no audio that it can decode.
    ImportError
        If numpy or PyAV is not installed.
    """
    np, av = require_numpy(), require_av()
    # Python's error for a missing file says more than FFmpeg's.
    with path.open("rb") as file:
        try:
            with av.open(file, "r") as container:
                stream = next(iter(container.streams.audio), None)
                if stream is None:
                    raise InvalidAudio(f"{path} has no audio stream.", hint="Pass a WAV, FLAC, MP3, Ogg or WebM file.")
                rate = int(stream.rate)
                pieces = list(_arrays(container.decode(stream), av.AudioResampler(format="fltp")))
        except (av.error.FFmpegError, av.error.InvalidDataError) as error:
            raise InvalidAudio(
                f"{path} cannot be read as audio: {error.strerror}.", hint="Pass a WAV, FLAC, MP3, Ogg or WebM file."
            ) from error
    if not pieces:
        raise InvalidAudio(f"{path} has no audio samples.", hint="The recording may have ended before it began.")
    # A decoder may exceed full scale slightly.
    return np.clip(np.concatenate(pieces, axis=1), -1, 1), rate


def resample(samples: npt.NDArray[np.float32], rate: int, new_rate: int) -> npt.NDArray[np.float32]:
    """Return mono samples at another rate; both rates are in samples per second.

    Raises
    ------
    ImportError
        If numpy or PyAV is not installed; the message says how to install them.
    """
    require_numpy()
    require_av()
    from rtc_widget._aiortc import audio

    return audio.resampled(audio.MonoAudio(samples, rate), new_rate).samples


def write_flac(file: BinaryIO, blocks: Iterable[Integers], rate: int) -> None:
    """Write 16-bit stereo FLAC. Each block has shape ``(2, n)``: left and right."""
    np, av = require_numpy(), require_av()
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=rate, layout="stereo")
        stream.format = "s16"
        for block in blocks:
            # The encoder takes interleaved samples.
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T).reshape(1, -1), "s16", "stereo")
            frame.sample_rate = rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def read_flac(file: BinaryIO) -> tuple[int, Iterator[Integers]]:
    """Return the sample rate and the blocks of a file that `write_flac` wrote; keep the file open while reading.

    Raises
    ------
    ValueError
        If the file is not stereo FLAC.
    """
    av = require_av()
    try:
        container = av.open(file, "r", format="flac")
    except av.error.FFmpegError as error:
        raise ValueError(f"the recording cannot be read: {error.strerror}") from error
    stream = container.streams.audio[0]
    if stream.layout.nb_channels != 2:
        raise ValueError(f"the recording must have 2 channels, got {stream.layout.nb_channels}")
    return int(stream.rate), _blocks(container, stream)


def _blocks(container: Any, stream: Any) -> Iterator[Integers]:
    av = require_av()
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
