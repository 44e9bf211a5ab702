"""The candidate pairs that a headless peer reports; `js/test/peer/pairs.test.ts` asserts the same of the page."""

from __future__ import annotations

from typing import Any, cast

import pytest

from rtc_widget.headless.peers.pairs import Pair, PairsWatch
from rtc_widget.headless.peers.peer import HeadlessPeer
from tests.limits import eventually


def pair(id: str, *, remote: str = "host", port: int = 6000, **more: Any) -> Pair:
    end = {"type": "host", "address": "192.0.2.1", "port": 5000, "protocol": "udp"}
    address = None if remote == "prflx" else "192.0.2.2"
    other = {"type": remote, "address": address, "port": port, "protocol": "udp"}
    return {"id": id, "local": end, "remote": other, "state": "in-progress", "selected": False, **more}


def watch() -> tuple[PairsWatch, list[list[Pair]]]:
    reported: list[list[Pair]] = []

    async def nothing() -> list[Pair]:
        return []

    return PairsWatch(nothing, lambda: False, reported.append), reported


def test_a_pair_that_vanishes_stays_as_given_up():
    pairs, reported = watch()
    pairs.take([pair("P1"), pair("P2", port=7000)])
    pairs.take([pair("P2", port=7000)])
    assert [(row["id"], row["state"]) for row in reported[-1]] == [("P1", "given up"), ("P2", "in-progress")]


def test_a_pair_whose_remote_candidate_is_told_later_is_not_given_up():
    pairs, reported = watch()
    pairs.take([pair("P1", remote="prflx")])
    pairs.take([pair("P2")])
    assert [[(row["id"], row["remote"]["type"]) for row in rows] for rows in reported] == [
        [("P1", "prflx")],
        [("P2", "host")],
    ]


@pytest.mark.parametrize(("before", "after"), [("host", None), (None, "host"), ("prflx", None)])
def test_a_pair_may_have_no_remote_candidate_in_the_statistics(before, after):
    def row(id: str, remote: str | None) -> Pair:
        return {**pair(id), "remote": None} if remote is None else pair(id, remote=remote)

    pairs, reported = watch()
    pairs.take([row("P1", before)])
    pairs.take([row("P2", after)])
    assert [(row["id"], row["state"]) for row in reported[-1]] == [("P1", "given up"), ("P2", "in-progress")]


async def test_a_watch_that_fails_is_reported(caplog):
    class Engine:
        ice_connection_state = "checking"

        def snapshot(self, _only: str | None) -> dict[str, Any]:
            return {}

        async def pairs(self) -> list[Pair]:
            raise RuntimeError("no statistics")

    peer = HeadlessPeer(lambda _listener: cast("Any", Engine()), lambda _event, _characters: None)
    peer.event("pc", "iceconnectionstatechange", None)
    await eventually(lambda: "no statistics" in caplog.text)


def test_pairs_that_have_not_changed_are_reported_once():
    pairs, reported = watch()
    for _ in range(3):
        pairs.take([pair("P1")])
    assert len(reported) == 1
