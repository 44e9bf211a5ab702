"""Results as text tables and as JSON."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks._comparison import Comparison, Growth, Result, Row, Skipped
from rtc_widget import __version__


def table(result: Result) -> str:
    """Return a result as lines of text."""
    match result:
        case Comparison():
            return _comparison(result)
        case Growth():
            return _growth(result)
        case Skipped():
            return f"{result.title}\n  skipped: {result.reason}"


def document(results: Mapping[str, Sequence[Result]], *, quick: bool) -> dict[str, Any]:
    """Return all results, by benchmark, with what is known about the machine, for a JSON file."""
    return {
        "machine": machine(),
        "quick": quick,
        "benchmarks": {name: [result.to_json() for result in found] for name, found in results.items()},
    }


def machine() -> dict[str, Any]:
    """Return what a reader needs to know about the machine; the load is that of the last minute."""
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    return {
        "processors": os.cpu_count(),
        "load": load,
        "system": platform.system(),
        "python": platform.python_version(),
        "rtc_widget": __version__,
    }


def number(value: float) -> str:
    """Return a value with about three significant digits."""
    if not math.isfinite(value):
        return "?"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def _comparison(result: Comparison) -> str:
    rows = [("", result.unit, "quartiles", "n", "ratio")]
    rows += [
        (
            row.alternative,
            number(row.median),
            f"{number(row.low)} to {number(row.high)}",
            str(row.count),
            _ratio(row.ratio),
        )
        for row in result.rows()
    ]
    return _lines(result.title, rows, result.note)


def _growth(result: Growth) -> str:
    sizes = result.sizes()
    rows = [(f"{result.unit}, by {result.sizes_of}", *(f"{size:,}" for size in sizes), "exponent")]
    rows += [
        (row.alternative, *(number(row.medians.get(size, math.nan)) for size in sizes), number(row.exponent))
        for row in result.rows()
    ]
    return _lines(result.title, rows, result.note)


def _spread(row: Row) -> str:
    return f"{number(row.low)} to {number(row.high)}"


def _ratio(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "?"


def _lines(title: str, rows: Sequence[Sequence[str]], note: str) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [title]
    for first, *others in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        lines.append(f"  {'   '.join(cells)}".rstrip())
    if note:
        lines.append(f"  {note}")
    return "\n".join(lines)
