"""Results of tools that are very large or endless."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time

import numpy as np
import pandas as pd
import pytest

from rtc_widget.tools.results import MAX_BYTES, result_text
from tests.unit.server_double import call

ITEM, ASK = "conversation.item.create", "response.create"


def on_the_channel(text):
    event = {"type": "conversation.item.create", "item": {"type": "function_call_output", "output": text}}
    return len(json.dumps(event, ensure_ascii=False).encode())


@pytest.mark.parametrize(
    "value",
    [
        itertools.count(),
        itertools.repeat(""),
        itertools.repeat([]),
        itertools.repeat("x" * 1000),
        (itertools.count() for _ in itertools.count()),
        range(10**15),
        [itertools.count()],
        {"numbers": itertools.count()},
        [[0] * 100_000] * 100_000,
        ["x" * 100_000] * 100_000,
        dict.fromkeys(range(1_000_000), "x"),
        "x" * 50_000_000,
        {"text": "x" * 50_000_000},
        np.full(1_000_000, "word"),
        pd.Series(["x" * 10_000] * 10_000),
        pd.DataFrame(np.zeros((1_000, 2_000))),
        pd.DataFrame(np.zeros((2, 100_000))),
        pd.Index(range(10**12)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_it_is_cut_and_says_so_soon(value):
    began = time.process_time()  # other people's work does not count
    text = result_text(value)
    assert time.process_time() - began < 5
    assert on_the_channel(text) < MAX_BYTES + 200
    assert "cut: " in text


def test_an_infinite_iterator_gives_its_first_entries():
    output = json.loads(result_text(itertools.count()))
    assert output["items"] == list(range(len(output["items"])))
    assert len(output["items"]) > 1000
    assert output["note"] == f"cut: the first {len(output['items'])}; there are more"


def test_how_long_a_huge_list_is_stays_known():
    output = json.loads(result_text(range(10**15)))
    assert output["note"] == f"cut: the first {len(output['items'])} of {10**15}"


def test_what_comes_slowly_is_read_for_a_while_only(monkeypatch):
    monkeypatch.setattr("rtc_widget.tools.results._READ_SECONDS", 0.1)

    def slowly():
        for number in itertools.count():
            time.sleep(0.03)
            yield number

    *numbers, note = json.loads(result_text(slowly()))
    assert len(numbers) <= 5
    assert "there is more" in note


def test_a_long_text_inside_is_cut_where_it_stands():
    output = json.loads(result_text({"name": "log", "text": "x" * 1_000_000, "ok": True}))
    assert (output["name"], output["ok"]) == ("log", True)
    assert output["text"].endswith("(cut: the first 12000 of 1000000 characters)")


def test_a_wide_table_says_how_many_rows_it_has():
    output = json.loads(result_text(pd.DataFrame(np.zeros((1_000, 100)))))
    assert output["row_count"] == 1_000
    assert output["note"] == f"cut: the first {len(output['rows'])} of 1000"


def test_times_stay_times_in_an_array():
    output = result_text(np.array([["2026-11-22T12:00:00.5", "NaT"]], dtype="datetime64[ns]"))
    assert json.loads(output) == [["2026-11-22T12:00:00.500000000", None]]


def test_times_stay_times_in_an_array_that_is_cut():
    output = result_text(np.arange("2026-11-22", "2027-11-22", dtype="datetime64[m]").astype("datetime64[ns]"))
    assert "2026-11-22T00:01" in output
    assert "cut" in output


def test_a_very_large_number_is_described():
    assert json.loads(result_text([10**100_000])) == ["(a number of 332193 bits)"]


async def test_a_tool_that_returns_an_endless_iterator_is_answered(chat, server):
    def squares():
        """All squares."""
        return (n * n for n in itertools.count())

    chat.tool(squares)
    await server.connect(tools=[{"name": "squares"}])
    await server.begins()
    await server.ends("r1", call("squares"))
    output, _ = await server.takes(ITEM, ASK)
    assert json.loads(output["item"]["output"])["items"][:4] == [0, 1, 4, 9]
    assert chat.tools.calls[0].status == "completed"


async def test_what_a_tool_in_a_thread_returns_is_read_in_that_thread(chat, server):
    threads = set()

    def numbers():
        """Some numbers."""

        def each():
            for n in range(3):
                threads.add(threading.current_thread())
                yield n

        return each()

    chat.tool(numbers, thread=True)
    await server.connect(tools=[{"name": "numbers"}])
    await server.begins()
    await server.ends("r1", call("numbers"))
    output, _ = await server.takes(ITEM, ASK)
    assert output["item"]["output"] == "[0, 1, 2]"
    assert threads
    assert threading.main_thread() not in threads


async def test_what_an_iterator_raises_is_the_tools_failure(chat, server):
    def broken():
        """Break."""
        return (1 / n for n in (1, 0))

    chat.tool(broken)
    await server.connect(tools=[{"name": "broken"}])
    await server.begins()
    await server.ends("r1", call("broken"))
    output, _ = await server.takes(ITEM, ASK)
    assert "ZeroDivisionError" in output["item"]["output"]
    await asyncio.sleep(0)
    assert chat.tools.calls[0].status == "failed"
