"""Exercises of lesson 8, states and failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtc_widget.lessons.exercises import CheckResult, exercise, missing, right
from rtc_widget.sdp.description import SessionDescription

ACTIONS = ("wait", "restart ICE", "new call")
"""What a reconnect rule may return."""


@exercise("until disconnected", expects="the seconds from the outage to the state disconnected")
def until_disconnected(seconds: float) -> CheckResult:
    """Judge when a browser notices that the link is down."""
    if not 4 <= seconds <= 12:
        return missing("take the time from network(down=True) to the event that says disconnected: 5 to 8 s.")
    return right(f"about {seconds:.0f} s pass in which the other is silent and the state says connected.")


@exercise("until failed", expects="the seconds from disconnected to failed")
def until_failed(seconds: float) -> CheckResult:
    """Judge how long a browser hopes."""
    if not 6 <= seconds <= 16:
        return missing("take the time between the two events that say disconnected and failed: about 10 s.")
    return right(f"for about {seconds:.0f} s the connection could still come back by itself.")


_SITUATIONS: tuple[tuple[str, float, tuple[str, ...], str], ...] = (
    ("connected", 600, ("wait",), "a connection that works must be left alone"),
    ("new", 1, ("wait",), "a connection that has just begun needs time"),
    ("connecting", 3, ("wait",), "a connection that has just begun needs time"),
    ("disconnected", 0.5, ("wait",), "half a second of disconnected often heals by itself"),
    ("disconnected", 8, ("restart ICE",), "after 8 s of disconnected, ask for a new way: restart ICE"),
    ("failed", 0.1, ("restart ICE", "new call"), "a failed connection never comes back by itself"),
    ("failed", 30, ("new call",), "if it is still failed after 30 s, the restart has not helped: make a new call"),
    ("closed", 0, ("new call",), "a closed connection cannot be restarted"),
)


@exercise("a reconnect rule", expects="a function of a connection state and the seconds in it")
def reconnect_rule(rule: Callable[[str, float], Any]) -> CheckResult:
    """Judge a rule that says what an app does about the state of its connection."""
    for state, seconds, accepted, reason in _SITUATIONS:
        action = rule(state, seconds)
        if action not in ACTIONS:
            return missing(f"the rule must return one of {', '.join(map(repr, ACTIONS))}; got {action!r}.")
        if action not in accepted:
            return missing(f"{reason}; your rule says {action!r} for {state!r} after {seconds:g} s.")
    return right("it waits for what heals, restarts what does not, and gives up what cannot.")


@exercise("restart ICE", expects="the local descriptions before and after")
def restart_ice(before: Any, after: Any) -> CheckResult:
    """Judge an offer that restarts ICE."""
    old, new = (SessionDescription(one) for one in (before, after))
    if not old.media or not new.media:
        return missing("give two descriptions with a media section.")
    first, second = old.media[0], new.media[0]
    if None in (first.ice_ufrag, second.ice_ufrag) or first.ice_ufrag == second.ice_ufrag:
        return missing("the ufrag is the same: call restart_ice() and make a new offer.")
    if first.fingerprints != second.fingerprints:
        return missing("these are two connections: the fingerprint of the same one must stay.")
    return right("new ufrag, same fingerprint: another way to the same partner, and DTLS goes on.")
