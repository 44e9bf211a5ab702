"""Stores recorded audio on disk, both tracks on one time base."""

from __future__ import annotations

import logging
import mmap
from collections.abc import Iterable
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, TYPE_CHECKING, Protocol
from weakref import finalize, ref

from rtc_widget.errors import RtcWidgetError
from rtc_widget.optional import require_numpy
from rtc_widget.types import Track

if TYPE_CHECKING:
    from rtc_widget.audio.arrays import Integers

logger = logging.getLogger("rtc_widget")

_MAX_GAP_SECONDS = 0.025
"""Pieces this close are joined without a gap: the page's time stamps are accurate to a few milliseconds."""
_MAX_SECONDS = 86_400.0
_SAMPLE_BYTES = 2
_MAPPED_BYTES = 1 << 23
"""A file is mapped in steps of so many bytes, so that clips of about the same length share a mapping."""


class AudioPiece(Protocol):
    """A piece of one track: signed 16-bit little-endian mono samples."""

    @property
    def attempt(self) -> str:
        """The attempt of the call that the piece belongs to."""
        ...

    @property
    def track(self) -> Track:
        """The side that the piece belongs to."""
        ...

    @property
    def rate(self) -> int:
        """Samples per second."""
        ...

    @property
    def at_ms(self) -> float:
        """The time of the first sample: milliseconds since 1970 on the page's clock."""
        ...

    @property
    def lost(self) -> int:
        """The number of samples that the page dropped directly before this piece."""
        ...

    @property
    def data(self) -> bytes:
        """The samples."""
        ...


class PcmStore:
    """The recorded audio of one call; safe on any thread.

    Each track is a temporary file of 16-bit samples. It is created when it is first needed and deleted with the store.
    One hour of both tracks takes 346 MB of disk and little memory. A gap is a hole in the file, which reads as silence.

    Attributes
    ----------
    rate : int
        The sample rate of the first piece (Hz); pieces of another rate are resampled.
    origin_ms : float or None
        The time of the first sample: milliseconds since 1970 on the page's clock. None while the store is empty.
    lost : float
        Seconds of audio that were dropped, summed over both tracks.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._files: dict[Track, _TrackFile] = {"user": _TrackFile(), "assistant": _TrackFile()}
        self._is_broken = False
        self.rate = 0
        self.origin_ms: float | None = None
        self.lost = 0.0

    def take(self, piece: AudioPiece) -> None:
        """Store a piece at its time. Never raises: a recording must not disturb the call."""
        with self._lock:
            self.lost += piece.lost / piece.rate
            if self._is_broken:
                self.lost += len(piece.data) / _SAMPLE_BYTES / piece.rate
                return
            try:
                self._place(piece)
            except RtcWidgetError as error:
                # Later pieces may be valid.
                self.lost += len(piece.data) / _SAMPLE_BYTES / piece.rate
                logger.warning("A piece of audio is missing from the recording: %s", error)
            except (OSError, ImportError) as error:
                # The disk is full, or too many files are open. The call must continue.
                self._is_broken = True
                logger.error("The recording stopped: %s", error)

    def fill(self, origin_ms: float, lost: float, rate: int, blocks: Iterable[Integers]) -> None:
        """Fill an empty store with blocks of shape ``(2, n)``, the user first; see `origin_ms`, `lost` and `rate`.

        Raises
        ------
        OSError
            If the disk is full.
        """
        with self._lock:
            self.origin_ms, self.rate, self.lost = origin_ms, rate, lost
            for block in blocks:
                for file, samples in zip((self._files["user"], self._files["assistant"]), block, strict=True):
                    file.write(file.length, samples.astype("<i2").tobytes())

    def __len__(self) -> int:
        """The number of samples of the longer track."""
        with self._lock:
            return max(file.length for file in self._files.values())

    def pcm(self, track: Track) -> Integers:
        """Return the present samples of one track: a view of its file, as long as the longer track."""
        np = require_numpy()
        with self._lock:
            length = max(file.length for file in self._files.values())
            samples: Integers = self._files[track].view(length) if length else np.zeros(0, np.int16)
            return samples

    def _place(self, piece: AudioPiece) -> None:
        data = _converted(piece, self.rate) if self.rate not in (0, piece.rate) else piece.data
        if self.origin_ms is None:
            self.origin_ms, self.rate = piece.at_ms, piece.rate
        file = self._files[piece.track]
        at = round((piece.at_ms - self.origin_ms) / 1000 * self.rate)
        if at > _MAX_SECONDS * self.rate:
            self.lost += len(data) / _SAMPLE_BYTES / self.rate
            logger.warning("A piece of audio is more than a day late and is missing from the recording.")
            return
        if abs(at - file.length) <= _MAX_GAP_SECONDS * self.rate and file.attempt == piece.attempt:
            at = file.length
        file.attempt = piece.attempt
        file.write(at, data)


class _TrackFile:
    """The temporary file of one track."""

    def __init__(self) -> None:
        self.length = 0
        self.attempt: str | None = None
        self._opened: IO[bytes] | None = None
        self._mapping: ref[mmap.mmap] | None = None

    def write(self, at: int, data: bytes) -> None:
        """Write samples from index `at` on; samples that the file already has are not replaced."""
        known = max(0, self.length - at) * _SAMPLE_BYTES
        if known >= len(data):
            return
        file = self._file()
        file.seek((at + known // _SAMPLE_BYTES) * _SAMPLE_BYTES)
        fresh = memoryview(data)[known:]
        while fresh:
            # An unbuffered write may be partial.
            fresh = fresh[file.write(fresh) or 0 :]
        self.length = file.tell() // _SAMPLE_BYTES

    def view(self, length: int) -> Integers:
        """Return the first `length` samples; the file is extended with silence where it is shorter."""
        np = require_numpy()
        samples: Integers = np.frombuffer(self._mapped(length * _SAMPLE_BYTES), np.dtype("<i2"), count=length)
        return samples

    def _mapped(self, size: int) -> mmap.mmap:
        # Each mapping holds a file descriptor for as long as a clip uses it.
        mapping = self._mapping() if self._mapping is not None else None
        if mapping is None or len(mapping) < size:
            whole = -(-size // _MAPPED_BYTES) * _MAPPED_BYTES
            file = self._file()
            if file.seek(0, 2) < whole:
                # The new end is a hole; `view` returns only the requested part of it.
                file.truncate(whole)
            mapping = mmap.mmap(file.fileno(), whole, access=mmap.ACCESS_READ)
            self._mapping = ref(mapping)
        return mapping

    def _file(self) -> IO[bytes]:
        if self._opened is None:
            self._opened = TemporaryFile(prefix="rtc_widget-", suffix=".pcm", buffering=0)  # noqa: SIM115 - closed with this object
            finalize(self, self._opened.close)
        return self._opened


def _converted(piece: AudioPiece, rate: int) -> bytes:
    from rtc_widget.audio.clip import AudioClip

    np = require_numpy()
    clip = AudioClip(np.frombuffer(piece.data, "<i2").astype(np.int16), piece.rate).resample(rate)
    return bytes(clip.pcm.astype("<i2").tobytes())
