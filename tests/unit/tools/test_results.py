from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path

import numpy as np
import pandas as pd
import pydantic
import pytest
from PIL import Image

from rtc_widget.tools.results import MAX_BYTES, result_text


@dataclass
class Point:
    x: float
    at: dt.datetime


class Model(pydantic.BaseModel):
    name: str
    when: dt.date


class Kind(Enum):
    ONE = "one"


class Opaque:
    def __str__(self):
        return "something"


NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ({"a": 1, 2: {3}, None: (4,)}, {"a": 1, "2": [3], "null": [4]}),
        (Point(float("nan"), NOON), {"x": None, "at": "2026-11-22T12:00:00+00:00"}),
        (Model(name="x", when=dt.date(2026, 1, 2)), {"name": "x", "when": "2026-01-02"}),
        ([float("inf"), 1.5, Decimal("2.50"), Kind.ONE], [None, 1.5, "2.50", "one"]),
        ([Path("a/b"), dt.timedelta(minutes=1)], ["a/b", 60.0]),
        ([b"hi", b"x" * 1000], ["aGk=", "(1000 bytes)"]),
        (np.float32(1.5), 1.5),
        (np.float64("nan"), None),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.datetime64("2026-11-22"), "2026-11-22"),
        (np.datetime64("NaT"), None),
        (np.array([[1.0, np.nan], [2.0, 3.0]]), [[1.0, None], [2.0, 3.0]]),
        (pd.Timestamp("2026-11-22"), "2026-11-22T00:00:00"),
        (pd.NaT, None),
        (pd.NA, None),
        (range(3), [0, 1, 2]),
        ((n for n in range(2)), [0, 1]),
        (Opaque(), "something"),
        (ValueError("no"), "no"),
        (Image.new("RGB", (4, 3)), "(an image of 4 × 3 pixels; it can be shown with chat.send_image)"),
    ],
)
def test_results_become_json(value, expected):
    assert json.loads(result_text(value)) == expected


def test_text_stays_as_it_is():
    assert result_text("It is sunny.") == "It is sunny."


def test_a_table_becomes_rows():
    table = pd.DataFrame({"city": ["Paris", "Rome"], "t": [21.5, np.nan], "at": pd.to_datetime(["2026-01-01", None])})
    assert json.loads(result_text(table)) == {
        "rows": [
            {"city": "Paris", "t": 21.5, "at": "2026-01-01T00:00:00"},
            {"city": "Rome", "t": None, "at": None},
        ],
        "row_count": 2,
    }


def test_an_index_that_says_something_comes_along():
    series = pd.Series([1, 2], index=pd.Index(["a", "b"], name="letter"), name="count")
    assert json.loads(result_text(series))["rows"] == [{"letter": "a", "count": 1}, {"letter": "b", "count": 2}]


def test_the_rows_of_a_filtered_table_keep_their_numbers():
    table = pd.DataFrame({"n": [5, 6, 7, 8]})
    kept = json.loads(result_text(table[table.n != 7]))["rows"]
    assert kept == [{"index": 0, "n": 5}, {"index": 1, "n": 6}, {"index": 3, "n": 8}]


def test_an_index_may_have_the_name_of_a_column():
    by_city = pd.DataFrame({"city": ["Paris"], "index": [1]}, index=pd.Index(["fr"], name="city"))
    assert json.loads(result_text(by_city))["rows"] == [{"city (index)": "fr", "city": "Paris", "index": 1}]
    unnamed = pd.DataFrame({"index": [1]}, index=["fr"])
    assert json.loads(result_text(unnamed))["rows"] == [{"index (index)": "fr", "index": 1}]
    two = pd.DataFrame({"n": [1]}, index=pd.MultiIndex.from_tuples([("a", "b")], names=["x", None]))
    assert json.loads(result_text(two))["rows"] == [{"x": "a", "level 1": "b", "n": 1}]


def test_a_large_array_is_told_by_its_measures():
    told = json.loads(result_text(np.append(np.arange(1000.0), np.nan)))
    assert told["shape"] == [1001]
    assert (told["min"], told["max"], told["mean"]) == (0.0, 999.0, 499.5)
    assert told["first"] == list(range(20))
    assert "1001 numbers" in told["note"]


def on_the_channel(text):
    event = {"type": "conversation.item.create", "item": {"type": "function_call_output", "output": text}}
    return len(json.dumps(event, ensure_ascii=False).encode())


@pytest.mark.parametrize(
    "value",
    ["é" * 1_000_000, ["x" * 50] * 100_000, {"key": ["\n" * 100] * 10_000}, pd.DataFrame({"n": range(100_000)})],
)
def test_what_is_too_long_is_cut_and_says_so(value):
    text = result_text(value)
    assert MAX_BYTES * 0.7 < on_the_channel(text) < MAX_BYTES + 200
    assert "cut: the first" in text


def test_a_table_that_is_cut_stays_readable():
    told = json.loads(result_text(pd.DataFrame({"n": range(100_000)})))
    assert told["rows"][:2] == [{"n": 0}, {"n": 1}]
    assert told["note"] == f"cut: the first {len(told['rows'])} of 100000"


def test_what_holds_itself_comes_to_an_end():
    value: list = [1]
    value.append(value)
    assert result_text(value).startswith("[1, [1,")
