"""Decides when a session that will expire is replaced; the twin of ``js/src/call/session_expiry.ts``.

``tests/contract/session_expiry.json`` holds both halves together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from rtc_widget.conversation.facts import (
    AudioCleared,
    AudioCommitted,
    Fact,
    ResponseEnded,
    ResponseStarted,
    SessionChanged,
    SpeechEnded,
    SpeechStarted,
)

EARLY_SECONDS = 60.0
"""From this long before the end on, the first pause of the conversation is used."""
LATE_SECONDS = 10.0
"""So long before the end the page stops waiting for a pause."""

MIN_SESSION_SECONDS = 300.0
"""A session that seems to end sooner than this is left to the server's own event.

Either a clock is wrong, or the session is so short that one replacement would follow the other.
"""


class Timer(Protocol):
    """A call that was scheduled."""

    def cancel(self) -> None:
        """Do not make it."""


class SessionExpiry:
    """Calls `on_due` shortly before the end of a session, in a pause of the conversation if there is one.

    Parameters
    ----------
    on_due : callable
        Called with the session's end, in seconds since 1970, when the session should be replaced.
    call_later : callable
        Calls a function after a number of seconds.
    now : callable
        Returns the seconds since 1970.
    """

    def __init__(
        self,
        on_due: Callable[[float], None],
        call_later: Callable[[float, Callable[[], None]], Timer],
        now: Callable[[], float],
    ) -> None:
        self._on_due = on_due
        self._call_later = call_later
        self._now = now
        self._timer: Timer | None = None
        self._begin()

    def _begin(self) -> None:
        self._expires_at: float | None = None
        self._speaking: set[str] = set()
        self._responses: set[str] = set()
        # A function's output, and the response to it, are still to come.
        self._awaits_output = False

    def consume(self, facts: Iterable[Fact]) -> None:
        """Process the facts of a received event."""
        for fact in facts:
            self._apply(fact)

    def end_call(self) -> None:
        """The call is over; harmless to repeat."""
        self._cancel()
        self._begin()

    def _apply(self, fact: Fact) -> None:
        match fact:
            case SessionChanged(expires_at=float(expires_at)) if expires_at != self._expires_at:
                self._expires_at = expires_at if self._is_plausible(expires_at) else None
            case SpeechStarted(speaker=speaker):
                self._speaking.add(speaker)
            case SpeechEnded(speaker=speaker):
                self._speaking.discard(speaker)
            case AudioCommitted() | AudioCleared():
                self._speaking.discard("user")
            case ResponseStarted(response_id=response_id, is_out_of_band=False):
                self._responses.add(response_id)
            case ResponseEnded(response_id=response_id, calls=calls):
                self._awaits_output = bool(calls)
                self._responses.discard(response_id)
            case _:
                return
        self._schedule()

    def _is_plausible(self, expires_at: float) -> bool:
        is_first = self._expires_at is None
        return expires_at - self._now() >= (MIN_SESSION_SECONDS if is_first else EARLY_SECONDS)

    def _schedule(self) -> None:
        self._cancel()
        expires_at = self._expires_at
        if expires_at is None:
            return
        is_pause = not (self._speaking or self._responses or self._awaits_output)
        wait = expires_at - (EARLY_SECONDS if is_pause else LATE_SECONDS) - self._now()
        self._timer = self._call_later(max(wait, 0.0), lambda: self._on_due(expires_at))

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
