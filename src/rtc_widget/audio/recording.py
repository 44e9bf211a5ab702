"""The recorded audio of a call, both sides on one time base."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtc_widget.audio.clip import AudioClip
from rtc_widget.audio.pcm_store import PcmStore
from rtc_widget.errors import NothingRecorded
from rtc_widget.optional import require_numpy
from rtc_widget.types import Track

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rtc_widget.audio.arrays import Integers

_BLOCK = 1 << 20


class Recording:
    """The audio of one call. It grows while the call is recorded; reconnections and pauses are silent.

    All times are seconds since the call's first event, as `Event.elapsed` and the times of turns. Both sides start and
    end at the same time, so their samples correspond. They are stored on disk; `AudioClip.samples` says what a long
    recording needs in memory.

    Attributes
    ----------
    user : AudioClip
        The audio that was sent, after muting.
    assistant : AudioClip
        The audio that was received.
    mixed : AudioClip
        The sum of both sides.
    start, end, duration : float
        Seconds. `start` may be slightly negative: audio flows before the first event.
    lost : float
        Seconds of audio that are missing, because the kernel was busy for longer than the page could buffer.

    Raises
    ------
    NothingRecorded
        By all attributes except `lost`, while there is no recorded audio.
    ImportError
        If numpy is not installed (extra ``data``).

    Examples
    --------
    >>> question, answer = chat.transcript[-2:]  # doctest: +SKIP
    >>> chat.recording.assistant.between(answer.start, answer.end).to_wav("answer.wav")  # doctest: +SKIP
    """

    def __init__(self, store: PcmStore, began_ms: Callable[[], float | None]) -> None:
        self._store = store
        self._began_ms = began_ms

    @property
    def user(self) -> AudioClip:
        """The audio that was sent, after muting."""
        return self._clip("user")

    @property
    def assistant(self) -> AudioClip:
        """The audio that was received."""
        return self._clip("assistant")

    @property
    def mixed(self) -> AudioClip:
        """The sum of both sides, limited to full scale."""
        np = require_numpy()
        user, assistant = self._sides()
        mixed = np.empty(len(user), np.int16)
        for at in range(0, len(mixed), _BLOCK):
            part = slice(at, at + _BLOCK)
            # The sum of two 16-bit samples may exceed 16 bits.
            mixed[part] = np.clip(user[part].astype(np.int32) + assistant[part], -32768, 32767)
        mixed.flags.writeable = False
        return AudioClip(mixed, self._store.rate, start=self.start)

    @property
    def start(self) -> float:
        """The start time, in seconds since the call began."""
        origin = self._store.origin_ms
        if origin is None:
            raise NothingRecorded("No audio of this call was recorded.")
        began = self._began_ms()
        return 0.0 if began is None else (origin - began) / 1000

    @property
    def end(self) -> float:
        """The end time, in seconds since the call began."""
        return self.start + self.duration

    @property
    def duration(self) -> float:
        """The length in seconds; 0 while the recording is empty."""
        return len(self._store) / self._store.rate if self._store.rate else 0.0

    @property
    def lost(self) -> float:
        """Seconds of audio that are missing."""
        return self._store.lost

    @property
    def sample_rate(self) -> int:
        """Samples per second (Hz); 0 while the recording is empty."""
        return self._store.rate

    def blocks(self) -> Iterator[Integers]:
        """Yield both sides in blocks of shape ``(2, n)``, the user first."""
        np = require_numpy()
        user, assistant = self._sides()
        for at in range(0, len(user), _BLOCK):
            yield np.stack([user[at : at + _BLOCK], assistant[at : at + _BLOCK]])

    def to_wav(self, path: str | Path) -> Path:
        """Write a 16-bit stereo WAV file (left: user, right: assistant) and return its path."""
        self._sides()  # an empty recording must not overwrite a file
        path = Path(path).expanduser()
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(self._store.rate)
            for block in self.blocks():
                file.writeframesraw(block.T.astype("<i2").tobytes())
        return path

    def plot(self) -> Figure:
        """Draw the user's waveform above the assistant's (extra ``data``: matplotlib).

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        from rtc_widget.audio.plots import draw_recording

        return draw_recording(self.user, self.assistant)

    def __repr__(self) -> str:
        if self._store.origin_ms is None:
            return "<Recording: empty>"
        lost = f", {self.lost:.1f} s lost" if self.lost else ""
        return f"<Recording: {self.duration:.1f} s from {self.start:.1f} s at {self._store.rate / 1000:g} kHz{lost}>"

    def _repr_html_(self) -> str:
        words = repr(self).strip("<>")
        return f"<div>{words}</div>" if self._store.origin_ms is None else self.mixed._repr_html_()

    def __reduce__(self) -> tuple[Any, ...]:
        """Support copies and pickles: they have the present audio and do not grow."""
        if self._store.origin_ms is None:
            return _recording, (0.0, self.lost, 0, [])
        # Copied, because the arrays are views of a file that grows.
        return _recording, (self.start, self.lost, self.sample_rate, [block.copy() for block in self.blocks()])

    def _clip(self, track: Track) -> AudioClip:
        start = self.start
        return AudioClip(self._store.pcm(track), self._store.rate, start=start)

    def _sides(self) -> tuple[Integers, Integers]:
        if self._store.origin_ms is None:
            raise NothingRecorded("No audio of this call was recorded.")
        user, assistant = self._store.pcm("user"), self._store.pcm("assistant")
        # The recording may have grown between the two reads.
        length = min(len(user), len(assistant))
        return user[:length], assistant[:length]


def _recording(start: float, lost: float, rate: int, blocks: list[Integers]) -> Recording:
    """Return a recording with this audio."""
    store = PcmStore()
    if blocks:
        store.fill(1000 * start, lost, rate, blocks)
    store.lost = lost
    return Recording(store, lambda: 0.0)
