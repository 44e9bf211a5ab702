"""Plots of audio over time by matplotlib: waveform and spectrogram."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from rtc_widget.optional import finished, new_figure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from rtc_widget.audio.arrays import Integers

_COLUMNS = 1500
"""More than the pixels of a figure; an hour is drawn as fast as a minute."""
_WINDOW_SECONDS = 0.03
_FLOOR_DB = -90.0


class Waveform(Protocol):
    """Audio over time; an `AudioClip` is one."""

    @property
    def pcm(self) -> Integers:
        """The samples."""
        ...

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        ...

    @property
    def start(self) -> float:
        """The time of the first sample, in seconds."""
        ...

    @property
    def end(self) -> float:
        """The time after the last sample, in seconds."""
        ...


def draw_clip(clip: Waveform, axes: Any = None) -> Figure:
    """Draw the waveform above the spectrogram."""
    top, bottom = new_figure(2, height=4.5)[1] if axes is None else axes
    draw_waveform(clip, top)
    draw_spectrogram(clip, bottom)
    bottom.set_xlabel("seconds")
    figure: Figure = top.figure
    if axes is not None:
        return figure
    return finished(figure, f"Waveform and spectrogram of {clip.end - clip.start:.1f} s of audio.")


def draw_recording(user: Waveform, assistant: Waveform) -> Figure:
    """Draw the user's waveform above the assistant's."""
    figure, axes = new_figure(2, height=3.6)
    sides = (("user", user, "tab:blue"), ("assistant", assistant, "tab:orange"))
    for (name, clip, color), one in zip(sides, axes, strict=True):
        draw_waveform(clip, one, color=color)
        one.set_ylabel(name)
    axes[-1].set_xlabel("seconds since the call began")
    span = f"{min(user.start, assistant.start):.1f} to {max(user.end, assistant.end):.1f} s"
    return finished(figure, f"Waveforms of the user and of the assistant, from {span} of the call.")


def draw_waveform(clip: Waveform, axes: Axes, *, color: str = "tab:blue") -> None:
    """Draw the minimum and the maximum of the samples of each column."""
    import numpy as np

    pcm = clip.pcm
    edges = np.linspace(0, len(pcm), min(_COLUMNS, len(pcm)), endpoint=False).astype(np.int64)
    seconds = clip.start + edges / clip.sample_rate
    low: Any = np.minimum.reduceat(pcm, edges)
    high: Any = np.maximum.reduceat(pcm, edges)
    axes.fill_between(seconds, low / 32768, high / 32768, facecolor=color, edgecolor=color, linewidth=0.6)
    axes.set_ylim(-1, 1)
    axes.set_xlim(clip.start, clip.end)
    axes.set_ylabel("amplitude")


def draw_spectrogram(clip: Waveform, axes: Axes) -> None:
    """Draw the magnitude of each frequency in decibels relative to full scale."""
    import numpy as np
    from matplotlib.mlab import magnitude_spectrum, specgram

    size = max(16, 2 * round(_WINDOW_SECONDS * clip.sample_rate / 2))
    windows = _windows(clip, size)
    # The windows lie end to end, one per column, so the work does not grow with the length of the clip.
    levels: Any
    full: Any
    levels, _, _ = specgram(windows.ravel(), NFFT=size, Fs=clip.sample_rate, noverlap=0, mode="magnitude")
    # matplotlib's own annotations are wrong here.
    full, _ = cast("Any", magnitude_spectrum)(np.sin(2 * np.pi * np.arange(size) * 8 / size))
    decibels = 20 * np.log10(np.maximum(levels / full.max(), 10 ** (_FLOOR_DB / 20)))
    extent = (clip.start, clip.end, 0.0, clip.sample_rate / 2000)
    axes.imshow(
        decibels,
        origin="lower",
        aspect="auto",
        extent=extent,
        cmap="magma",
        vmin=_FLOOR_DB,
        vmax=0,
        interpolation="nearest",
    )
    axes.set_ylabel("kHz")


def _windows(clip: Waveform, size: int) -> npt.NDArray[np.float32]:
    import numpy as np

    pcm = clip.pcm
    if len(pcm) < size:
        pcm = np.pad(pcm, (0, size - len(pcm)))
    count = min(_COLUMNS, max(1, 4 * len(pcm) // size))
    starts = np.linspace(0, len(pcm) - size, count).astype(np.int64)
    picked = pcm[starts[:, np.newaxis] + np.arange(size)]
    floats: npt.NDArray[np.float32] = picked.astype(np.float32) / np.float32(32768)
    return floats
