"""The candidate pairs of a peer while ICE tries them (RFC 8445, section 6.1.2)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

Pair = dict[str, Any]
"""A row: id, local, remote, priority, state, sent, answered, rtt, selected."""

CHECKING_SECONDS = 0.2
QUIET_SECONDS = 1.0
QUIET_POLLS = 20
"""How often the pairs are read after ICE has stopped checking."""


class PairsWatch:
    """Reports the pairs of a peer whenever they have changed; those that vanish stay, as given up.

    Parameters
    ----------
    read : callable
        Returns the pairs now.
    is_checking : callable
        Whether ICE is checking pairs.
    report : callable
        Called with the list of pairs.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[list[Pair]]],
        is_checking: Callable[[], bool],
        report: Callable[[list[Pair]], None],
    ) -> None:
        self._read = read
        self._is_checking = is_checking
        self._report = report
        self._known: dict[str, Pair] = {}

    async def poll(self) -> None:
        """Read the pairs: often while ICE is checking, then for 20 s."""
        quiet = 0
        while quiet < QUIET_POLLS:
            self.take(await self._read())
            if self._is_checking():
                await asyncio.sleep(CHECKING_SECONDS)
            else:
                quiet += 1
                await asyncio.sleep(QUIET_SECONDS)

    def take(self, pairs: Iterable[Pair]) -> None:
        """Report the pairs if they have changed."""
        now = {pair["id"]: pair for pair in pairs}
        gone = {
            id: {**pair, "state": "given up", "selected": False}
            for id, pair in self._known.items()
            if id in now or not any(_goes_on_as(pair, other) for other in now.values())
        }
        known = {**gone, **now}
        if known and known != self._known:
            self._known = known
            self._report(list(known.values()))


def pairs_of(reports: Iterable[Mapping[str, Any]]) -> list[Pair]:
    """Return the candidate pairs of a result of ``getStats()``.

    Examples
    --------
    >>> candidate = {"candidateType": "host", "address": "192.0.2.1", "port": 5, "protocol": "udp", "priority": 1}
    >>> pair = {"id": "P", "type": "candidate-pair", "state": "waiting", "localCandidateId": "L"}
    >>> [row] = pairs_of([pair, {"id": "L", "type": "local-candidate", **candidate}])
    >>> row["local"], row["remote"], row["state"], row["selected"]
    ({'type': 'host', 'address': '192.0.2.1', 'port': 5, 'protocol': 'udp'}, None, 'waiting', False)
    """
    by_id = {report["id"]: report for report in reports}
    transports = [report for report in by_id.values() if report["type"] == "transport"]
    selected = {transport.get("selectedCandidatePairId") for transport in transports}
    is_controlling = any(transport.get("iceRole") == "controlling" for transport in transports)
    rows = []
    for report in by_id.values():
        if report["type"] != "candidate-pair":
            continue
        local, remote = (by_id.get(report.get(f"{side}CandidateId", "")) for side in ("local", "remote"))
        priority = report.get("priority")
        if priority is None and local is not None and remote is not None:
            ours, theirs = local.get("priority", 0), remote.get("priority", 0)
            priority = pair_priority(*((ours, theirs) if is_controlling else (theirs, ours)))
        rows.append(
            {
                "id": report["id"],
                "local": _candidate(local),
                "remote": _candidate(remote),
                "priority": priority,
                "state": report["state"],
                "sent": report.get("requestsSent", 0),
                "answered": report.get("responsesReceived", 0),
                "rtt": report.get("currentRoundTripTime"),
                "selected": report["id"] in selected,
            }
        )
    return rows


def pair_priority(controlling: int, controlled: int) -> int:
    """Return the priority of a pair from those of its candidates (RFC 8445, section 6.1.2.3).

    Examples
    --------
    >>> pair_priority(2, 1)
    4294967301
    """
    low, high = sorted((controlling, controlled))
    return 2**32 * low + 2 * high + int(controlling > controlled)


def _candidate(report: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if report is None:
        return None
    return {
        "type": report.get("candidateType"),
        "address": report.get("address"),
        "port": report.get("port"),
        "protocol": report.get("protocol"),
    }


def _goes_on_as(pair: Pair, other: Pair) -> bool:
    """Whether the remote candidate of a pair was known by its checks only (prflx), and then was told."""
    before, after = pair["remote"], other["remote"]
    if before is None or after is None:
        return False
    if before["type"] != "prflx" or after["type"] == "prflx" or pair["local"] != other["local"]:
        return False
    # The address of a candidate that was not told may be hidden.
    return (before["port"], before["protocol"]) == (after["port"], after["protocol"])
