"""Where recorded sound is kept: on disk, both sides on one clock."""

from __future__ import annotations

import logging
import mmap
from collections.abc import Iterable
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, TYPE_CHECKING, Protocol
from weakref import finalize, ref

from rtc_widget.audio.clip import require_numpy
from rtc_widget.errors import RtcWidgetError
from rtc_widget.types import Track

if TYPE_CHECKING:
    from rtc_widget.audio.clip import Integers

logger = logging.getLogger("rtc_widget")

_SEAM_SECONDS = 0.025
"""Pieces that nearly touch are joined: the page tells the time to a few milliseconds only."""
_LONGEST_SECONDS = 86_400.0
_SAMPLE_BYTES = 2
_MAPPED_BYTES = 1 << 23
"""Views of a growing file are made in steps of so many bytes, so that the clips of a step share a mapping."""


class AudioPiece(Protocol):
    """A piece of one side's audio: signed 16-bit little-endian mono samples."""

    @property
    def attempt(self) -> str:
        """The attempt whose call it belongs to."""
        ...

    @property
    def track(self) -> Track:
        """Whose audio it is."""
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
        """How many samples the page dropped just before this piece."""
        ...

    @property
    def data(self) -> bytes:
        """The samples."""
        ...


class PcmStore:
    """What was heard in one call; safe on any thread.

    Each side is a temporary file of 16-bit samples that vanishes with the tape: an hour of both takes 346 MB of disk
    and next to no memory. It is made when it is first needed. A time of which nothing came is a hole in the file, which
    reads as silence.

    Attributes
    ----------
    rate : int
        Samples a second, as the first piece had them; pieces of another rate are converted.
    origin_ms : float or None
        When the tape begins: milliseconds since 1970 on the page's clock; None while it is empty.
    lost : float
        Seconds of sound that the page had to drop, over both sides.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._reels: dict[Track, _TrackFile] = {"user": _TrackFile(), "assistant": _TrackFile()}
        self._is_broken = False
        self.rate = 0
        self.origin_ms: float | None = None
        self.lost = 0.0

    def take(self, piece: AudioPiece) -> None:
        """Add a piece where its time is; never raises, since it is called between page and kernel."""
        with self._lock:
            self.lost += piece.lost / piece.rate
            if self._is_broken:
                self.lost += len(piece.data) / _SAMPLE_BYTES / piece.rate
                return
            try:
                self._place(piece)
            except RtcWidgetError as error:
                # Without this piece; those behind it may be in order.
                self.lost += len(piece.data) / _SAMPLE_BYTES / piece.rate
                logger.warning("A piece of sound is left out of the recording: %s", error)
            except (OSError, ImportError) as error:
                # A full disk, or too many open files. The call is more than its recording.
                self._is_broken = True
                logger.error("The recording stops here: %s", error)

    def fill(self, origin_ms: float, lost: float, rate: int, blocks: Iterable[Integers]) -> None:
        """Fill an empty tape with sound that was written down: arrays of shape (2, n), the user first.

        Raises
        ------
        OSError
            If the disk is full.
        """
        with self._lock:
            self.origin_ms, self.rate, self.lost = origin_ms, rate, lost
            for block in blocks:
                for reel, side in zip((self._reels["user"], self._reels["assistant"]), block, strict=True):
                    reel.write(reel.length, side.astype("<i2").tobytes())

    def __len__(self) -> int:
        """How many samples each side has."""
        with self._lock:
            return max(reel.length for reel in self._reels.values())

    def pcm(self, track: Track) -> Integers:
        """Return one side as it is now: a view of its file, as long as the longer side."""
        np = require_numpy()
        with self._lock:
            length = max(reel.length for reel in self._reels.values())
            samples: Integers = self._reels[track].view(length) if length else np.zeros(0, np.int16)
            return samples

    def _place(self, piece: AudioPiece) -> None:
        data = _converted(piece, self.rate) if self.rate not in (0, piece.rate) else piece.data
        if self.origin_ms is None:
            self.origin_ms, self.rate = piece.at_ms, piece.rate
        reel = self._reels[piece.track]
        at = round((piece.at_ms - self.origin_ms) / 1000 * self.rate)
        if at > _LONGEST_SECONDS * self.rate:
            self.lost += len(data) / _SAMPLE_BYTES / self.rate
            logger.warning("A piece of sound is said to be of another day and is left out of the recording.")
            return
        if abs(at - reel.length) <= _SEAM_SECONDS * self.rate and reel.attempt == piece.attempt:
            at = reel.length
        reel.attempt = piece.attempt
        reel.write(at, data)


class _TrackFile:
    """One side of a tape."""

    def __init__(self) -> None:
        self.length = 0
        self.attempt: str | None = None
        self._opened: IO[bytes] | None = None
        self._mapping: ref[mmap.mmap] | None = None

    def write(self, at: int, data: bytes) -> None:
        """Write samples at a place; what is there already stays."""
        known = max(0, self.length - at) * _SAMPLE_BYTES
        if known >= len(data):
            return
        file = self._file()
        file.seek((at + known // _SAMPLE_BYTES) * _SAMPLE_BYTES)
        fresh = memoryview(data)[known:]
        while fresh:
            # Unbuffered files may take less than they are given.
            fresh = fresh[file.write(fresh) or 0 :]
        self.length = file.tell() // _SAMPLE_BYTES

    def view(self, length: int) -> Integers:
        """Return the samples up to `length`; behind the reel's own it was silent so far."""
        np = require_numpy()
        samples: Integers = np.frombuffer(self._mapped(length * _SAMPLE_BYTES), np.dtype("<i2"), count=length)
        return samples

    def _mapped(self, size: int) -> mmap.mmap:
        # Each mapping costs a file descriptor for as long as a clip uses it.
        mapping = self._mapping() if self._mapping is not None else None
        if mapping is None or len(mapping) < size:
            whole = -(-size // _MAPPED_BYTES) * _MAPPED_BYTES
            file = self._file()
            if file.seek(0, 2) < whole:
                # A hole at the end, of which nobody is shown more than is asked for.
                file.truncate(whole)
            mapping = mmap.mmap(file.fileno(), whole, access=mmap.ACCESS_READ)
            self._mapping = ref(mapping)
        return mapping

    def _file(self) -> IO[bytes]:
        if self._opened is None:
            self._opened = TemporaryFile(prefix="rtc_widget-", suffix=".pcm", buffering=0)  # noqa: SIM115 - the reel's own
            finalize(self, self._opened.close)
        return self._opened


def _converted(piece: AudioPiece, rate: int) -> bytes:
    from rtc_widget.audio.clip import AudioClip

    np = require_numpy()
    clip = AudioClip(np.frombuffer(piece.data, "<i2").astype(np.int16), piece.rate).resample(rate)
    return bytes(clip.pcm.astype("<i2").tobytes())
