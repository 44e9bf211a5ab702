"""The life of a call as a machine: its phases, what can happen to it, and one table of what follows from what.

Pure, and the twin of ``js/src/call_machine.ts``, but for its ICE restart, which aiortc cannot do. What the table does
not list changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from rtc_widget.comm.settings import Reconnect
from rtc_widget.errors import Cancelled, ConnectionFailed, ReconnectFailed, RtcWidgetError
from rtc_widget.types import Status

PhaseName = Literal["idle", "connecting", "connected", "unsteady", "pausing", "retrying", "failed"]
CallEvent = Literal[
    "connect", "disconnect", "opened", "wavered", "healed", "grace_over", "pause_over", "healthy", "lost", "ended"
]

STATUS: Mapping[PhaseName, Status] = {
    "idle": "idle",
    "connecting": "connecting",
    "connected": "connected",
    "unsteady": "reconnecting",
    "pausing": "reconnecting",
    "retrying": "reconnecting",
    "failed": "error",
}


_NOTHING_WRONG = Cancelled("The call was ended.")


@dataclass(frozen=True, slots=True)
class Phase:
    """Where a call stands.

    Attributes
    ----------
    name : str
        ``unsteady``: WebRTC lost the other side and may find it again. ``pausing``: the connection is given up, the
        next attempt waits for its moment.
    tries : int
        The new calls made since the connection was last healthy for a while.
    error : RtcWidgetError
        What led here, where something did.
    """

    name: PhaseName
    tries: int = 0
    error: RtcWidgetError = _NOTHING_WRONG

    @property
    def status(self) -> Status:
        """What the widget shows."""
        return STATUS[self.name]

    @property
    def has_attempt(self) -> bool:
        """Whether an attempt is being made, or stands."""
        return self.name in ("connecting", "connected", "unsteady", "retrying")

    @property
    def is_over(self) -> bool:
        """Whether there is no call."""
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


def _again(phase: Phase, error: RtcWidgetError, reconnect: Reconnect | None) -> Phase:
    if reconnect is not None and phase.tries < reconnect.max_attempts:
        return Phase("pausing", phase.tries + 1, error)
    return Phase("failed", error=error if phase.tries == 0 else _given_up(phase.tries, error))


def _out_of_sight(phase: Phase, _error: RtcWidgetError, reconnect: Reconnect | None) -> Phase:
    lost = ConnectionFailed("The connection to the server was lost.", hint="Check the network and connect again.")
    return _again(phase, lost, reconnect)


TRANSITIONS: Mapping[PhaseName, Mapping[CallEvent, Rule]] = {
    "idle": {"connect": _to_connecting, "ended": _to_failed},
    "connecting": {
        "opened": _to_first_connected,
        "disconnect": _to_idle,
        # A first call that finds no way is a matter for the person, not for patience.
        "lost": _to_failed,
        "ended": _to_failed,
    },
    "connected": {
        "wavered": _to("unsteady"),
        "healthy": _to_first_connected,
        "disconnect": _to_idle,
        "lost": _again,
        "ended": _to_failed,
    },
    "unsteady": {
        "healed": _to("connected"),
        "grace_over": _out_of_sight,
        "disconnect": _to_idle,
        "lost": _again,
        "ended": _to_failed,
    },
    "pausing": {
        "connect": _to("retrying"),
        "pause_over": _to("retrying"),
        "disconnect": _to_idle,
        "ended": _to_failed,
    },
    "retrying": {"opened": _to("connected"), "disconnect": _to_idle, "lost": _again, "ended": _to_failed},
    "failed": {"connect": _to_connecting, "disconnect": _to_idle, "ended": _to_failed},
}


def following(phase: Phase, happening: CallEvent, error: RtcWidgetError, reconnect: Reconnect | None) -> Phase:
    """Return the phase that follows; the very same one if nothing does."""
    rule = TRANSITIONS[phase.name].get(happening)
    return phase if rule is None else rule(phase, error, reconnect)


def _given_up(tries: int, last: RtcWidgetError) -> RtcWidgetError:
    attempts = "one attempt to connect again" if tries == 1 else f"{tries} attempts to connect again"
    return ReconnectFailed(
        f"The connection to the server was lost, and {attempts} failed. The last one: {last.message}",
        hint="Check the network (cable, Wi-Fi, VPN) and connect again. What was said is kept.",
    )
