"""Statistics as HTML: the last value of each measure, its median and maximum, and a line over time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from statistics import median
from typing import Any, Protocol

from rtc_widget._html import faint, table, view

# Attribute, words, factor to the unit, unit, digits.
_MEASURES: tuple[tuple[str, str, float, str, int], ...] = (
    ("round_trip_time", "round trip", 1000, "ms", 0),
    ("jitter", "jitter", 1000, "ms", 0),
    ("playout_delay", "playout delay", 1000, "ms", 0),
    ("loss", "lost to this side", 100, "%", 1),
    ("sent_loss", "lost to the other side", 100, "%", 1),
    ("concealed", "concealed", 100, "%", 1),
    ("received_bitrate", "received", 1 / 1000, "kbit/s", 0),
    ("sent_bitrate", "sent", 1 / 1000, "kbit/s", 0),
    ("assistant_level", "assistant level", 1, "", 2),
    ("user_level", "user level", 1, "", 2),
)
_POINTS = 120


class ShownSample(Protocol):
    """What is shown of a `StatsSample`, besides its measures."""

    @property
    def elapsed(self) -> float: ...  # noqa: D102
    @property
    def call(self) -> int: ...  # noqa: D102
    @property
    def codec(self) -> str | None: ...  # noqa: D102
    @property
    def candidate_pair(self) -> Any: ...  # noqa: D102


def sample_html(sample: ShownSample) -> str:
    """Return the measures of one sample."""
    rows = [
        (words, _number(value, factor, digits, unit))
        for name, words, factor, unit, digits in _MEASURES
        if (value := getattr(sample, name)) is not None
    ]
    about = [f"{sample.elapsed:.1f} s after the call began", *_connection(sample)]
    return view(f"<div>{faint(' · '.join(about))}</div>", table((), rows, numbers=(1,)))


def log_html(samples: Sequence[ShownSample]) -> str:
    """Return the measures of all samples."""
    if not samples:
        return view(faint("No statistics yet: a call has some from its first second on."))
    last = samples[-1]
    seconds = last.elapsed - samples[0].elapsed if samples[0].call == last.call else None
    calls = last.call - samples[0].call + 1
    span = f" over {seconds:.0f} s" if seconds is not None else f" of {calls} calls"
    about = [f"{len(samples)} samples{span}", *_connection(last)]
    heads = ("", "last", "median", "maximum", "over time")
    return view(
        f"<div>{faint(' · '.join(about))}</div>",
        table(heads, _rows(samples), numbers=(1, 2, 3)),
        faint("chat.stats.plot() draws them; chat.stats.to_pandas() is the table."),
    )


def _rows(samples: Sequence[ShownSample]) -> Iterator[tuple[str, ...]]:
    for name, words, factor, unit, digits in _MEASURES:
        values = [value for sample in samples if (value := getattr(sample, name)) is not None]
        if values:
            numbers = (values[-1], median(values), max(values))
            texts = [_number(value, factor, digits, unit) for value in numbers]
            label = f"{words}: last {texts[0]}, median {texts[1]}, maximum {texts[2]}"
            yield (words, *texts, _line(values, label))


def _number(value: float, factor: float, digits: int, unit: str) -> str:
    return f"{value * factor:.{digits}f} {unit}".rstrip()


def _line(values: Sequence[float], label: str) -> str:
    """Return the values as a small line; each point is the maximum of its samples."""
    step = max(1, -(-len(values) // _POINTS))
    points = [max(values[at : at + step]) for at in range(0, len(values), step)]
    if len(points) < 2:
        return ""
    top = max(points) or 1.0
    path = " ".join(f"{100 * at / (len(points) - 1):.1f},{19 - 18 * y / top:.1f}" for at, y in enumerate(points))
    return (
        f'<svg viewBox="0 0 100 20" preserveAspectRatio="none" role="img" aria-label="{escape(label)}">'
        f'<polyline points="{path}" vector-effect="non-scaling-stroke"/></svg>'
    )


def _connection(sample: ShownSample) -> Iterator[str]:
    """Yield the codec and the kind of the connection; its addresses do not belong into a stored notebook."""
    if sample.codec:
        yield sample.codec
    if (pair := sample.candidate_pair) is not None:
        yield f"{pair.local_type} → {pair.remote_type} ({pair.protocol})"
