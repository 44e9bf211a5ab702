"""The session clock: it runs only while the service receives audio."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rtc_widget.protocols.live.numbers import milliseconds

_STANDS_SECONDS = 3.0
"""A clock that has not moved for this time while something waits for it is worth a word."""


class ObservedClock:
    """The time of a session as far as its events tell, in milliseconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._moved_at = time.monotonic()
        self._began_at = time.monotonic()

    def consume(self, raw: Mapping[str, Any]) -> None:
        """Process the fields of a received event."""
        times = [milliseconds(raw.get(name)) for name in ("start_ms", "end_ms", "offset_ms")]
        latest = max((at for at in times if at is not None), default=0.0)
        if latest > self.now:
            self.now, self._moved_at = latest, time.monotonic()

    @property
    def progress(self) -> str:
        """A sentence on a clock that stands still; empty if it moves."""
        still = time.monotonic() - self._moved_at
        if still < _STANDS_SECONDS:
            return ""
        return (
            f" The session clock was last seen at {self.now / 1000:.1f} s, {still:.0f} s ago: "
            "it stands still while the service receives no audio."
        )
