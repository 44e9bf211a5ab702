"""Alternatives measured in turn, and what can be said about them: medians, quartiles, ratios, growth."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
Samples = Mapping[str, Sequence[float]]
"""The measured values of each alternative."""


@dataclass(frozen=True, slots=True)
class Row:
    """One alternative of a comparison: its median and quartiles, and its median divided by that of the reference."""

    alternative: str
    median: float
    low: float
    high: float
    count: int
    ratio: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Alternatives that were measured in turn, and the one that the others are divided by."""

    title: str
    unit: str
    reference: str
    samples: Samples
    note: str = ""

    def rows(self) -> list[Row]:
        """Return one row for each alternative."""
        divisor = statistics.median(self.samples[self.reference])
        return [_row(alternative, values, divisor) for alternative, values in self.samples.items()]

    def to_json(self) -> dict[str, Any]:
        """Return what a JSON file says of it; the samples are included."""
        alternatives = [
            {
                "name": row.alternative,
                "median": row.median,
                "quartiles": [row.low, row.high],
                "ratio": _finite(row.ratio),
                "samples": list(self.samples[row.alternative]),
            }
            for row in self.rows()
        ]
        return {
            "kind": "comparison",
            "title": self.title,
            "unit": self.unit,
            "reference": self.reference,
            "note": self.note,
            "alternatives": alternatives,
        }


@dataclass(frozen=True, slots=True)
class GrowthRow:
    """One alternative: its median for each size, and the exponent with which it grows."""

    alternative: str
    medians: Mapping[int, float]
    exponent: float


@dataclass(frozen=True, slots=True)
class Growth:
    """What each alternative costs for several sizes."""

    title: str
    unit: str
    sizes_of: str
    samples: Mapping[str, Mapping[int, Sequence[float]]]
    note: str = ""

    def rows(self) -> list[GrowthRow]:
        """Return one row for each alternative."""
        rows = []
        for alternative, values in self.samples.items():
            medians = {size: statistics.median(measured) for size, measured in values.items()}
            rows.append(GrowthRow(alternative, medians, growth_exponent(medians)))
        return rows

    def sizes(self) -> list[int]:
        """Return every size that an alternative was measured with, in ascending order."""
        return sorted({size for values in self.samples.values() for size in values})

    def to_json(self) -> dict[str, Any]:
        """Return what a JSON file says of it; the samples are included."""
        alternatives = [
            {
                "name": row.alternative,
                "exponent": _finite(row.exponent),
                "medians": {str(size): median for size, median in row.medians.items()},
                "samples": {str(size): list(values) for size, values in self.samples[row.alternative].items()},
            }
            for row in self.rows()
        ]
        return {
            "kind": "growth",
            "title": self.title,
            "unit": self.unit,
            "sizes_of": self.sizes_of,
            "note": self.note,
            "alternatives": alternatives,
        }


@dataclass(frozen=True, slots=True)
class Skipped:
    """What could not be measured on this machine, and why."""

    title: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return what a JSON file says of it."""
        return {"kind": "skipped", "title": self.title, "reason": self.reason}


Result = Comparison | Growth | Skipped
Results = Iterator[Result]


def interleaved(ways: Mapping[str, Callable[[], T]], rounds: int, *, warm_up: int = 1) -> dict[str, list[T]]:
    """Measure each alternative once per round, so that other load slows all alike.

    Each round has another order, since what one alternative leaves behind may slow the next. The orders are the same in
    every run. The first `warm_up` rounds are dropped.
    """
    measured: dict[str, list[T]] = {name: [] for name in ways}
    for number in range(warm_up + rounds):
        for name in random.Random(number).sample(list(ways), len(ways)):
            value = ways[name]()
            if number >= warm_up:
                measured[name].append(value)
    return measured


def growth_exponent(values: Mapping[int, float]) -> float:
    """Return the exponent e of ``value ≈ c * size ** e``, by least squares; NaN if it cannot be said."""
    points = [(math.log(size), math.log(value)) for size, value in values.items() if size > 0 and value > 0]
    if len({x for x, _ in points}) < 2:
        return math.nan
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of the values do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def _row(alternative: str, values: Sequence[float], divisor: float) -> Row:
    low, median, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return Row(alternative, median, low, high, len(values), median / divisor if divisor else math.nan)


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
