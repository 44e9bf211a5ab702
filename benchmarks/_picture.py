"""Results of one benchmark as a picture: a bar for each median with its quartiles, or lines over sizes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks._comparison import Comparison, Growth, Result, Skipped
from benchmarks._report import number

_REFERENCE, _OTHER, _SPREAD = "#2e8b57", "#7aa6da", "#555555"


def write_picture(name: str, results: Sequence[Result], folder: Path) -> Path | None:
    """Write the picture of a benchmark as SVG into `folder`; without a measurement there is none."""
    measured = [result for result in results if not isinstance(result, Skipped)]
    if not measured:
        return None
    heights = [0.9 + 0.32 * len(result.samples) if isinstance(result, Comparison) else 3.0 for result in measured]
    figure = Figure(figsize=(8.0, sum(heights)), layout="constrained")
    all_axes = figure.subplots(len(measured), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, result in zip(all_axes, measured, strict=True):
        if isinstance(result, Comparison):
            _draw_comparison(axes, result)
        else:
            _draw_growth(axes, result)
        axes.set_title(result.title, loc="left", fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.svg"
    # The same results give the same file.
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})
    return path


def _draw_comparison(axes: Axes, result: Comparison) -> None:
    rows = result.rows()
    medians = [row.median for row in rows]
    spread = [[row.median - row.low for row in rows], [row.high - row.median for row in rows]]
    colors = [_REFERENCE if row.alternative == result.reference else _OTHER for row in rows]
    axes.barh(range(len(rows)), medians, xerr=spread, color=colors, ecolor=_SPREAD, height=0.65)
    axes.set_yticks(range(len(rows)), [row.alternative for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel(result.unit)
    axes.margins(x=0.15)
    for place, row in enumerate(rows):
        label = f" {number(row.median)} (× {number(row.ratio)})"
        axes.text(row.high, place, label, va="center", fontsize=8)


def _draw_growth(axes: Axes, result: Growth) -> None:
    for row in result.rows():
        label = f"{row.alternative} (exponent {number(row.exponent)})"
        axes.plot(list(row.medians), list(row.medians.values()), marker="o", label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(result.sizes_of)
    axes.set_ylabel(result.unit)
    axes.legend(frameon=False, fontsize=8)
