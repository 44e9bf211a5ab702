"""The sentences of the tutor for a long tool result."""

from __future__ import annotations

import json

import pytest

from rtc_widget.server.tutor.tool_results import spoken_result


@pytest.mark.parametrize(
    "output",
    [
        json.dumps(list(range(8_000))),
        json.dumps({f"key{n}": n for n in range(8_000)}),
        json.dumps({"row_count": 100, "rows": [{f"column{n}": "word " * 50 for n in range(100)}] * 100}),
        "word " * 5_000,
        "x" * 24_000,
    ],
)
def test_it_is_said_in_about_a_minute(output):
    said = spoken_result(output)
    assert 0 < len(said) < 820
    assert said.endswith(("more.", "and so on."))


def test_how_many_there_are_more_is_said():
    assert spoken_result(json.dumps({f"k{n}": n for n in range(14)})).endswith("k11 is 11, and 2 more.")
    assert "more" not in spoken_result(json.dumps(list(range(12))))
