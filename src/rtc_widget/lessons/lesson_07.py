"""Exercises of lesson 7, what ICE does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rtc_widget.lessons.exercises import CheckResult, exercise, missing, right

NATS = ("open", "full cone", "port-restricted", "symmetric")
"""The NATs of the lesson's table, from kind to hostile."""

NO_WAY = frozenset(
    {("port-restricted", "symmetric"), ("symmetric", "port-restricted"), ("symmetric", "symmetric")},
)
"""The pairs of NATs that find no way without a relay."""


@exercise("a priority apart", expects="a function of a priority that returns three numbers")
def priority_apart(parts: Callable[[int], Any]) -> CheckResult:
    """Judge a function that takes a candidate's priority apart (RFC 8445, section 5.1.2.1)."""
    for kind, local, component in ((126, 32542, 1), (100, 65535, 1), (0, 0, 256), (110, 1, 2)):
        priority = (kind << 24) + (local << 8) + 256 - component
        result = parts(priority)
        if result is None:
            return missing("the function returns nothing yet.")
        found = tuple(result)
        if found == (kind, local, component):
            continue
        if found[0] != kind:
            return missing(f"the type preference of {priority} is {kind}, the part above 2 to the power of 24.")
        if found[1] != local:
            return missing(f"the local preference of {priority} is {local}, the 16 bits in the middle.")
        return missing(f"the last eight bits of {priority} hold 256 minus the component, which is {component}.")
    return right("126 is a host, 110 peer-reflexive, 100 server-reflexive, and 0 a relay, if the RFC is followed.")


@exercise("no way", expects="a set of pairs of NATs")
def no_way(pairs: Iterable[tuple[str, str]]) -> CheckResult:
    """Judge which pairs of NATs find no way without a relay."""
    given = {(str(one), str(other)) for one, other in pairs}
    if unknown := {name for pair in given for name in pair} - set(NATS):
        return missing(f"the NATs are {', '.join(NATS)}; got {sorted(unknown)[0]!r}.")
    if wrong := sorted(given - NO_WAY):
        return missing(f"{wrong[0][0]} and {wrong[0][1]} find a way: one of them lets packets in from a new port.")
    if left := len(NO_WAY - given):
        return missing(f"{left} of the 16 cells {'is' if left == 1 else 'are'} missing.")
    return right("a symmetric NAT shows a new port to each partner, and a port-restricted one waits for the old port.")


@exercise("a wrong password", expects="the error code of an icecandidateerror event")
def wrong_password(code: int) -> CheckResult:
    """Judge what a TURN server says to a wrong password."""
    if code == 401:
        return right("401 Unauthorized, as in HTTP. Without this event you would only see that a candidate is missing.")
    return missing(f"read error_code of the icecandidateerror event; got {code!r}.")


@exercise("only over TCP", expects="a peer connection")
def only_over_tcp(pc: Any) -> CheckResult:
    """Judge whether all candidates of a peer are relayed through a TCP connection."""
    found = [event.payload for event in pc.events if event.type == "icecandidate" and event.payload.get("candidate")]
    words = [payload["candidate"]["candidate"].split() for payload in found]
    kinds = {word[7] for word in words if len(word) > 7}
    if not kinds:
        return missing("it has no candidate yet: create a data channel and set an offer.")
    if kinds != {"relay"}:
        return missing(f'it has candidates of the type {", ".join(sorted(kinds))}; set ice_transport_policy="relay".')
    if not all("transport=tcp" in str(payload.get("url")) for payload in found):
        return missing('the relay is reached by UDP; use turn.ice_server("tcp").')
    return right("the way to the relay is TCP, which strict firewalls let through; behind it, it is UDP again.")


@exercise("what trickle saves", expects="a peer connection")
def what_trickle_saves(pc: Any) -> CheckResult:
    """Judge whether a peer began to check pairs before its candidates were complete, and connected."""
    gathering, at_check = "new", None
    for event in pc.events:
        states = event.changes.get("pc", {})
        gathering = states.get("ice_gathering_state", gathering)
        if at_check is None and states.get("ice_connection_state", "new") != "new":
            at_check = gathering
        if states.get("connection_state") == "connected":
            break
    else:
        return missing("it is not connected: carry each candidate to the other side as soon as it is there.")
    if at_check != "gathering":
        return missing("its candidates were complete before ICE began; do not wait for the end of gathering.")
    return right("it was connected without the server that never answers, and then stopped asking it.")
