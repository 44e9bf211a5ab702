"""The sequence behaviour that transcript, latencies, statistics and tool calls share."""

from __future__ import annotations

import pytest

from rtc_widget._sequence import FrozenSequence


class Log(FrozenSequence[str]):
    def __init__(self, *entries: str) -> None:
        self.entries = list(entries)
        self.snapshots = 0

    def _snapshot(self) -> list[str]:
        self.snapshots += 1
        return list(self.entries)


def test_it_is_read_like_a_list():
    log = Log("a", "b", "c")
    assert (log[0], log[-1], log[1:], len(log)) == ("a", "c", ["b", "c"], 3)
    assert list(reversed(log)) == ["c", "b", "a"]
    assert "b" in log
    assert log.index("c") == 2
    with pytest.raises(IndexError):
        _ = log[3]


def test_it_cannot_be_changed():
    with pytest.raises(TypeError):
        Log("a")[0] = "b"


def test_a_loop_reads_one_snapshot_even_if_the_log_grows():
    log = Log("a", "b")
    seen = []
    for entry in log:
        seen.append(entry)
        log.entries.append(entry)
    assert seen == ["a", "b"]
    assert log.snapshots == 1
