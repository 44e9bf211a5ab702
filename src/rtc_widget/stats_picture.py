"""The picture of a `StatsLog`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rtc_widget.pictures import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rtc_widget.stats import StatsSample

# Attribute, what to call it, and by what to multiply it; a row of the picture each.
_ROWS: tuple[tuple[str, tuple[tuple[str, str], ...], float], ...] = (
    ("ms", (("round_trip_time", "round trip"), ("jitter", "jitter"), ("playout_delay", "playout delay")), 1000),
    ("kbit/s", (("received_bitrate", "received"), ("sent_bitrate", "sent")), 1 / 1000),
    ("% lost", (("loss", "received"), ("sent_loss", "sent"), ("concealed", "concealed")), 100),
    ("loudness", (("assistant_level", "assistant"), ("user_level", "user")), 1),
)
_NOTHING = float("nan")


def draw_stats(samples: Sequence[StatsSample]) -> Figure:
    """Draw delays, bitrates, losses and loudness, one above the other."""
    figure, axes = new_figure(len(_ROWS), height=7.0)
    # Where a call begins the line breaks: each counts its seconds anew.
    calls = [list(of_call) for _, of_call in groupby(samples, lambda sample: sample.call)]
    seconds = [second for call in calls for second in (*(sample.elapsed for sample in call), _NOTHING)][:-1]
    for (unit, lines, factor), one in zip(_ROWS, axes, strict=True):
        for name, label in lines:
            parts = [[_scaled(getattr(sample, name), factor) for sample in call] for call in calls]
            values = [value for part in parts for value in (*part, _NOTHING)][:-1]
            # A few samples would make no line.
            one.plot(seconds, values, label=label, linewidth=1.2, marker="." if len(samples) < 30 else None)
        one.set_ylabel(unit)
        one.set_ylim(bottom=0)
        one.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize="small")
        one.grid(visible=True, alpha=0.3)
    axes[-1].set_xlabel("seconds since the call began")
    return figure


def _scaled(value: float | None, factor: float) -> Any:
    return _NOTHING if value is None else value * factor
