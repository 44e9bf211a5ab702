"""Notices that the session clock stands still: it runs only while the service receives audio.

The twin of ``js/src/protocols/live/clock_watch.ts``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtc_widget.conversation.events import Event
from rtc_widget.conversation.json_object import fields_of
from rtc_widget.protocols.live.numbers import milliseconds

STANDS_SECONDS = 5.0
"""What was sent is acknowledged within a second where the clock runs."""
_CHANNELS = ("instructions", "thinking", "commentary")
_APPENDS = frozenset(f"session.{channel}.append" for channel in _CHANNELS)
_ACKNOWLEDGEMENTS = frozenset({*(f"{append}ed" for append in _APPENDS), "error"})


class ClockWatch:
    """Watches one call; see `rtc_widget.protocols.base.SessionWatch`.

    Parameters
    ----------
    on_standing : callable
        Called once, when something has waited for the clock and it has not moved.
    call_later : callable
        Calls a function after a number of seconds; returns an object with `cancel`.
    """

    def __init__(self, on_standing: Callable[[], None], call_later: Callable[[float, Callable[[], None]], Any]) -> None:
        self._on_standing = on_standing
        self._call_later = call_later
        self._pending = 0
        self._clock = 0.0
        self._timer: Any = None
        self._has_told = False

    def consume(self, event: Event) -> None:
        """Process the next event of the call."""
        if event.direction == "sent":
            self._pending += event.type in _APPENDS
            if self._pending == 1 and event.type in _APPENDS:
                self._restart()
            return
        if event.type in _ACKNOWLEDGEMENTS:
            self._pending = max(0, self._pending - 1)
        raw = fields_of(event)
        clock = max(milliseconds(raw.get(name)) or 0.0 for name in ("start_ms", "end_ms"))
        has_moved = clock > self._clock
        self._clock = max(self._clock, clock)
        if self._pending == 0:
            self.end()
        elif has_moved:
            self._restart()

    def end(self) -> None:
        """The call is over; harmless to repeat."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _restart(self) -> None:
        self.end()
        if not self._has_told:
            self._timer = self._call_later(STANDS_SECONDS, self._tell)

    def _tell(self) -> None:
        self._has_told = True
        self._on_standing()
