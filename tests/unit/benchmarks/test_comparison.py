"""What the benchmarks say about measured values."""

from __future__ import annotations

import json
import math

import pytest
from benchmarks._comparison import Comparison, Growth, Skipped, growth_exponent, interleaved, quantile
from benchmarks._picture import write_picture
from benchmarks._report import document, table

WAYS = Comparison("connect", "ms", "page alone", {"page alone": (40, 50, 60), "widget": (90, 100, 140)})
SIZES = Growth("append", "ms", "events", {"log": {10: [1], 100: [10], 1000: [100]}, "list": {10: [1], 100: [100]}})
NOT_MEASURED = Skipped("human clips", "the package is not installed")


def test_alternatives_are_measured_in_turn_and_the_first_rounds_are_dropped():
    order = []
    ways = {name: lambda name=name: order.append(name) or len(order) for name in "abc"}
    measured = interleaved(ways, 3, warm_up=1)
    rounds = [order[at : at + 3] for at in range(0, 12, 3)]
    assert all(sorted(names) == ["a", "b", "c"] for names in rounds)
    assert measured == {
        name: [3 * number + names.index(name) + 1 for number, names in enumerate(rounds) if number] for name in "abc"
    }


def test_no_alternative_always_follows_the_same_other_one():
    order = []
    interleaved({name: lambda name=name: order.append(name) for name in "abc"}, 15, warm_up=0)
    pairs = {tuple(order[at : at + 2]) for start in range(0, 45, 3) for at in (start, start + 1)}
    assert pairs == {(one, other) for one in "abc" for other in "abc" if one != other}


def test_a_comparison_gives_median_quartiles_and_ratio_to_the_reference():
    alone, widget = WAYS.rows()
    assert (alone.median, alone.low, alone.high, alone.count, alone.ratio) == (50, 45, 55, 3, 1)
    assert (widget.median, widget.low, widget.high, widget.ratio) == (100, 95, 120, 2)


def test_a_single_value_has_no_spread():
    [row] = Comparison("size", "KB", "widget", {"widget": (60,)}).rows()
    assert (row.median, row.low, row.high) == (60, 60, 60)


def test_a_reference_of_zero_gives_no_ratio():
    rows = Comparison("status changes", "changes", "no call", {"no call": (0, 0), "call": (40, 40)}).rows()
    assert all(math.isnan(row.ratio) for row in rows)


@pytest.mark.parametrize("exponent", [0, 1, 1.5, 2])
def test_the_growth_exponent_is_that_of_the_power_law(exponent):
    assert growth_exponent({size: 3 * size**exponent for size in (10, 100, 1000)}) == pytest.approx(exponent)


def test_one_size_says_nothing_about_growth():
    assert math.isnan(growth_exponent({10: 1.0}))


def test_a_quantile_is_a_measured_value():
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [quantile(values, share) for share in (0.0, 0.5, 0.9, 1.0)] == [1, 3, 5, 5]


def test_a_table_shows_each_alternative_with_its_ratio():
    title, head, alone, widget = table(WAYS).splitlines()
    assert title == "connect"
    assert head.split() == ["ms", "quartiles", "n", "ratio"]
    assert alone.split() == ["page", "alone", "50.0", "45.0", "to", "55.0", "3", "1.00"]
    assert widget.split() == ["widget", "100", "95.0", "to", "120", "3", "2.00"]
    assert len(head) == len(alone) == len(widget)


def test_a_table_of_growth_shows_each_size_and_the_exponent():
    _, head, log, other = table(SIZES).splitlines()
    assert head.split() == ["ms,", "by", "events", "10", "100", "1,000", "exponent"]
    assert log.split() == ["log", "1.00", "10.0", "100", "1.00"]
    assert other.split() == ["list", "1.00", "100", "?", "2.00"]


def test_what_is_skipped_is_said_with_its_reason():
    assert table(NOT_MEASURED) == "human clips\n  skipped: the package is not installed"


def test_the_json_document_keeps_every_sample():
    found = document({"connect": [WAYS, SIZES, NOT_MEASURED]}, quick=True)
    read = json.loads(json.dumps(found, allow_nan=False))
    assert read["quick"] is True
    assert read["machine"]["processors"] >= 1
    ways, sizes, skipped = read["benchmarks"]["connect"]
    assert ways["alternatives"][1] == {
        "name": "widget",
        "median": 100,
        "quartiles": [95, 120],
        "ratio": 2,
        "samples": [90, 100, 140],
    }
    assert [alternative["exponent"] for alternative in sizes["alternatives"]] == [pytest.approx(1), pytest.approx(2)]
    assert skipped == {"kind": "skipped", "title": "human clips", "reason": "the package is not installed"}


def test_what_is_not_finite_is_null_in_json():
    result = Comparison("status changes", "changes", "no call", {"no call": (0,), "call": (40,)})
    text = json.dumps(result.to_json(), allow_nan=False)
    assert [alternative["ratio"] for alternative in json.loads(text)["alternatives"]] == [None, None]


def test_the_same_results_give_the_same_picture(tmp_path):
    first, second = (write_picture("connect", [WAYS, SIZES, NOT_MEASURED], tmp_path / name) for name in "ab")
    svg = first.read_bytes()
    assert svg == second.read_bytes()
    assert b"page alone" in svg
    assert b"exponent 2.00" in svg


def test_without_a_measurement_there_is_no_picture(tmp_path):
    assert write_picture("voice", [NOT_MEASURED], tmp_path) is None
    assert list(tmp_path.iterdir()) == []
