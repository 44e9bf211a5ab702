"""Exercises of lesson 8, states and failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rtc_widget.lessons.exercises import CheckResult, exercise, missing, right
from rtc_widget.sdp.description import SessionDescription

ACTIONS = ("wait", "restart ICE", "new call")
"""What a reconnect rule may return."""


@exercise("until disconnected", expects="the events since the outage, and the seconds from it to disconnected")
def until_disconnected(events: Any, seconds: float) -> CheckResult:
    """Judge when a browser noticed that the link was down."""
    times = _times(events)
    if "disconnected" not in times:
        return missing("the connection did not say disconnected: run the outage again.")
    if not _is_near(seconds, times["disconnected"] - times["outage"]):
        return missing("take the time from network(down=True) to the event that says disconnected.")
    return right(f"about {seconds:.0f} s passed in which the other was silent and the state said connected.")


@exercise("until failed", expects="the events since the outage, and the seconds from disconnected to failed")
def until_failed(events: Any, seconds: float) -> CheckResult:
    """Judge how long a browser hoped."""
    times = _times(events)
    if not {"disconnected", "failed"} <= times.keys():
        return missing("the connection did not say disconnected and then failed: run the outage again.")
    if not _is_near(seconds, times["failed"] - times["disconnected"]):
        return missing("take the time between the two events that say disconnected and failed.")
    return right(f"for about {seconds:.0f} s the connection could still have come back by itself.")


def _times(events: Any) -> dict[str, float]:
    """Return when the outage began, which is the first event, and when the connection came into each state."""
    events = list(events)
    times = {"outage": events[0].time.timestamp()} if events else {}
    for event in events:
        if state := event.changes.get("pc", {}).get("connection_state"):
            times[state] = event.time.timestamp()
    return times


def _is_near(seconds: float, expected: float) -> bool:
    """Say whether a time was read from the right events; students may round it to whole seconds."""
    return not isinstance(seconds, bool) and abs(seconds - expected) < 1


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
