"""Calls that have ended on this page, while the server still closes their sessions and sends what it has left.

The twin of ``js/src/call/closing.ts``.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Literal, Protocol

from rtc_widget.errors import NotConnected
from rtc_widget.headless.attempt import Attempt
from rtc_widget.headless.peer import PeerStates
from rtc_widget.types import Direction

CLOSE_SECONDS = 15.0
"""As long as the service's samples wait."""


class ClosingListener(Protocol):
    """Knows the wire protocol, and receives the last events of calls that have ended."""

    def closing_events(self) -> list[str]:
        """Return the events that ask the server to close the session; none where the end of the call does that."""
        ...

    def session_closed(self, text: str) -> Literal["requested", "unrequested"] | None:
        """Return whether the last event of a session says that its end was requested; None for other events."""
        ...

    def late_event_passed(self, attempt: str, direction: Direction, text: str) -> None:
        """An event of a call that has ended went over the channel."""


class ClosingCalls:
    """Keeps the connections of such calls until their sessions are closed; used on the page's loop.

    Parameters
    ----------
    listener : ClosingListener
        Receives the events.
    """

    def __init__(self, listener: ClosingListener) -> None:
        self._listener = listener
        self._timers: dict[Attempt, asyncio.TimerHandle] = {}

    def begin(self, attempt: Attempt) -> bool:
        """Ask the server to close the session of a connected call; False where the call must be ended at once."""
        events = self._listener.closing_events()
        if not events or attempt.is_session_over or attempt.peer is None:
            return False
        with suppress(NotConnected):  # the channel has just been closed
            for event in events:
                attempt.peer.send(event)
                self._listener.late_event_passed(attempt.id, "sent", event)
            self._timers[attempt] = asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._end, attempt)
            attempt.retire()
        return attempt in self._timers

    def message_received(self, attempt: Attempt, text: str) -> None:
        """Process an event of the server."""
        if attempt not in self._timers:
            return
        self._listener.late_event_passed(attempt.id, "received", text)
        if self._listener.session_closed(text) is not None:
            self._end(attempt)

    def states_changed(self, attempt: Attempt, states: PeerStates) -> None:
        """End a call that has lost its connection."""
        if states.connection_state != "connected" or states.data_channel_state != "open":
            self._end(attempt)

    def end_all(self) -> None:
        """End all of them: the page is closed."""
        for attempt in list(self._timers):
            self._end(attempt)

    def _end(self, attempt: Attempt) -> None:
        timer = self._timers.pop(attempt, None)
        if timer is not None:
            timer.cancel()
            attempt.end()
