"""Whether somebody in Python waits for events or listens to them; the pages are told, and else send them less often."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock


class EventListeners:
    """Tells the pages at once when this changes.

    Parameters
    ----------
    tell : callable
        Tells the pages whether somebody listens.
    *reasons : callable
        Each returns whether somebody listens for that reason.
    """

    def __init__(self, tell: Callable[[bool], None], *reasons: Callable[[], bool]) -> None:
        self._tell = tell
        self._reasons = reasons
        self._waits = 0
        # Operations run on the user's loop, callbacks may be added on any thread.
        self._lock = RLock()
        self._told: bool | None = None

    @property
    def exist(self) -> bool:
        """Whether somebody waits or listens now."""
        return self._waits > 0 or any(reason() for reason in self._reasons)

    def update(self) -> None:
        """Tell the pages if it has changed."""
        with self._lock:
            exist = self.exist
            if exist is self._told:
                return
            self._told = exist
            self._tell(exist)

    def report(self, tell: Callable[[bool], None]) -> None:
        """Call `tell` with whether somebody listens. What changes meanwhile is told to the pages after that."""
        with self._lock:
            tell(self.exist)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Somebody waits inside the block."""
        with self._lock:
            self._waits += 1
            self.update()
        try:
            yield
        finally:
            with self._lock:
                self._waits -= 1
                self.update()
