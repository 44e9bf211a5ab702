"""The life of a call as a state machine; the twin of ``js/src/call/call_machine.ts``.

Pure functions, without ICE restart, which aiortc does not support. An event that the table does not list for a phase
changes nothing. ``tests/contract/call_machine.json`` holds both halves together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from rtc_widget.comm.settings import Reconnect
from rtc_widget.errors import Cancelled, ConnectionFailed, ReconnectFailed, RtcWidgetError
from rtc_widget.errors.texts import is_deeper, text
from rtc_widget.types import Status

PhaseName = Literal["idle", "connecting", "connected", "disconnected", "backoff", "retrying", "failed"]
CallEvent = Literal[
    "connect",
    "disconnect",
    "opened",
    "disconnected",
    "reconnected",
    "grace_over",
    "backoff_over",
    "healthy",
    "lost",
    "expired",
    "ended",
]

STATUS: Mapping[PhaseName, Status] = {
    "idle": "idle",
    "connecting": "connecting",
    "connected": "connected",
    "disconnected": "reconnecting",
    "backoff": "reconnecting",
    "retrying": "reconnecting",
    "failed": "error",
}


_NO_ERROR = Cancelled("The call was ended.")


@dataclass(frozen=True, slots=True)
class Phase:
    """The phase of a call.

    Attributes
    ----------
    name : str
        ``disconnected``: WebRTC lost the connection and may restore it. ``backoff``: the connection was given up, and
        the next attempt begins after a pause.
    tries : int
        The number of new calls since the connection was last healthy.
    error : RtcWidgetError
        The error that led to this phase, if any.
    """

    name: PhaseName
    tries: int = 0
    error: RtcWidgetError = _NO_ERROR

    @property
    def status(self) -> Status:
        """The status that the widget shows."""
        return STATUS[self.name]

    @property
    def has_attempt(self) -> bool:
        """Whether there is an attempt or a call."""
        return self.name in ("connecting", "connected", "disconnected", "retrying")

    @property
    def is_over(self) -> bool:
        """Whether the call has ended or not begun."""
        return self.name in ("idle", "failed")


IDLE = Phase("idle")

Rule = Callable[[Phase, RtcWidgetError, Reconnect | None], Phase]


def _to(name: PhaseName) -> Rule:
    return lambda phase, _error, _reconnect: replace(phase, name=name)


def _to_idle(_phase: Phase, _error: RtcWidgetError, _reconnect: Reconnect | None) -> Phase:
    return IDLE


def _to_connecting(_phase: Phase, _error: RtcWidgetError, _reconnect: Reconnect | None) -> Phase:
    return Phase("connecting")


def _to_first_connected(_phase: Phase, _error: RtcWidgetError, _reconnect: Reconnect | None) -> Phase:
    return Phase("connected")


def _to_failed(_phase: Phase, error: RtcWidgetError, _reconnect: Reconnect | None) -> Phase:
    return Phase("failed", error=error)


def _to_deeper_cause(phase: Phase, error: RtcWidgetError, _reconnect: Reconnect | None) -> Phase:
    return Phase("failed", error=error) if is_deeper(error.code, phase.error.code) else phase


def _can_retry(phase: Phase, reconnect: Reconnect | None) -> bool:
    return reconnect is not None and phase.tries < reconnect.max_attempts


def _to_new_session(phase: Phase, error: RtcWidgetError, reconnect: Reconnect | None) -> Phase:
    # Giving up is reported as the end of the session: the connection was not lost.
    return Phase("backoff", phase.tries + 1, error) if _can_retry(phase, reconnect) else Phase("failed", error=error)


def _retry(phase: Phase, error: RtcWidgetError, reconnect: Reconnect | None) -> Phase:
    if _can_retry(phase, reconnect):
        return Phase("backoff", phase.tries + 1, error)
    return Phase("failed", error=error if phase.tries == 0 else _reconnect_failed(phase.tries, error))


def _connection_lost(phase: Phase, _error: RtcWidgetError, reconnect: Reconnect | None) -> Phase:
    lost = ConnectionFailed(text("connection_lost"), hint="Check the network and connect again.")
    return _retry(phase, lost, reconnect)


TRANSITIONS: Mapping[PhaseName, Mapping[CallEvent, Rule]] = {
    "idle": {"connect": _to_connecting, "ended": _to_failed},
    "connecting": {
        "opened": _to_first_connected,
        "disconnect": _to_idle,
        # If the first call finds no path, a user must change something; retrying does not help.
        "lost": _to_failed,
        "expired": _to_failed,
        "ended": _to_failed,
    },
    "connected": {
        "disconnected": _to("disconnected"),
        "healthy": _to_first_connected,
        "disconnect": _to_idle,
        "lost": _retry,
        "expired": _to_new_session,
        "ended": _to_failed,
    },
    "disconnected": {
        "reconnected": _to("connected"),
        "grace_over": _connection_lost,
        "disconnect": _to_idle,
        "lost": _retry,
        "expired": _to_new_session,
        "ended": _to_failed,
    },
    "backoff": {
        "connect": _to("retrying"),
        "backoff_over": _to("retrying"),
        "disconnect": _to_idle,
        "ended": _to_failed,
    },
    "retrying": {
        "opened": _to("connected"),
        "disconnect": _to_idle,
        "lost": _retry,
        "expired": _to_new_session,
        "ended": _to_failed,
    },
    "failed": {"connect": _to_connecting, "disconnect": _to_idle, "ended": _to_deeper_cause},
}


def next_phase(phase: Phase, event: CallEvent, error: RtcWidgetError, reconnect: Reconnect | None) -> Phase:
    """Return the next phase; the same object if nothing changes."""
    rule = TRANSITIONS[phase.name].get(event)
    return phase if rule is None else rule(phase, error, reconnect)


def _reconnect_failed(tries: int, last: RtcWidgetError) -> RtcWidgetError:
    attempts = text("attempt") if tries == 1 else text("attempts", count=tries)
    message = text("reconnect_failed", attempts=attempts, last=last.message)
    return ReconnectFailed(message, hint=text("reconnect_failed_hint"))
