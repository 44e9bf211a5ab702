"""What the user's own functions have raised: kept, logged, and shown in the widget; it never breaks the call."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol

logger = logging.getLogger("rtc_widget")

_MOST = 1_000
_PAUSE_SECONDS = 1.0
"""A callback that fails on every event is not shown more often than that."""


class Failure(Protocol):
    """What failed, and how; ``str()`` of it is a sentence."""

    @property
    def error(self) -> BaseException:
        """What was raised, with its traceback."""
        ...

    @property
    def code(self) -> str:
        """A stable name for the kind of failure."""
        ...


class Failures(list[Failure]):
    """A list of failures, oldest first; the oldest go when there are too many."""

    def __init__(self) -> None:
        super().__init__()
        self._show: Callable[[Failure], None] | None = None
        self._shown: dict[str, float] = {}

    def show_by(self, show: Callable[[Failure], None]) -> None:
        """Let `show` tell the person at the page, once a second at most for failures of the same words."""
        self._show = show

    def add(self, failure: Failure) -> None:
        """Keep a failure, log it with its traceback, and show it."""
        logger.error("%s", failure, exc_info=failure.error)
        self.append(failure)
        del self[:-_MOST]
        words, now = str(failure), time.monotonic()
        if self._show is not None and now - self._shown.get(words, -_PAUSE_SECONDS) >= _PAUSE_SECONDS:
            self._shown = {known: at for known, at in self._shown.items() if now - at < _PAUSE_SECONDS} | {words: now}
            self._show(failure)
