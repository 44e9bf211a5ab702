"""The clock of a session: milliseconds of input audio received. Without input audio it stands still."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

GRID_MS = 200
"""Transcripts and acknowledgements lie on this grid of the clock."""


def grid_floor(ms: float) -> int:
    """Return the last point of the grid that is not after `ms`.

    Examples
    --------
    >>> grid_floor(399), grid_floor(400)
    (200, 400)
    """
    return int(ms // GRID_MS) * GRID_MS


def grid_ceil(ms: float) -> int:
    """Return the first point of the grid that is not before `ms`."""
    return -int(-ms // GRID_MS) * GRID_MS


class SessionClock:
    """The time of a session, and what is due on it."""

    def __init__(self) -> None:
        self._ms = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    @property
    def ms(self) -> int:
        """The time, in milliseconds."""
        return int(self._ms)

    def at(self, ms: float, work: Callable[[], None]) -> None:
        """Call `work` when the time reaches `ms`; works of the same time in the order of these calls."""
        heapq.heappush(self._due, (ms, next(self._order), work))

    def advance(self, ms: float) -> None:
        """Let `ms` pass, and call what has become due."""
        self._ms += ms
        while self._due and self._due[0][0] <= self._ms:
            heapq.heappop(self._due)[2]()

    def clear(self) -> None:
        """Drop what is due."""
        self._due.clear()
