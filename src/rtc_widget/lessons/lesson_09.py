"""Exercises of lesson 9, data channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtc_widget.lessons.exercises import CheckResult, exercise, missing, right

KINDS: Mapping[str, Mapping[str, Any]] = {
    "ordered, reliable": {},
    "unordered, reliable": {"ordered": False},
    "ordered, once": {"max_retransmits": 0},
    "unordered, once": {"ordered": False, "max_retransmits": 0},
    "unordered, 150 ms": {"ordered": False, "max_packet_life_time": 150},
}
"""The kinds of data channels that the lesson measures, with the options of `create_data_channel`."""

_SUITABLE: Mapping[str, tuple[tuple[str, ...], str]] = {
    "chat": (("ordered, reliable",), "a chat must show every message, in the order in which it was written"),
    "game": (
        ("unordered, once", "unordered, 150 ms"),
        "where the player was half a second ago interests nobody: the next position comes at once",
    ),
    "file": (("ordered, reliable", "unordered, reliable"), "a file with a missing part is not a file"),
}


@exercise("a kind for each app", expects='a dictionary with a kind for "chat", "game" and "file"')
def kinds_for_apps(kinds: Mapping[str, str]) -> CheckResult:
    """Judge which kind of channel was chosen for which app."""
    for app, (suitable, reason) in _SUITABLE.items():
        if app not in kinds:
            return missing(f"{app} has no kind yet.")
        if kinds[app] not in KINDS:
            return missing(f"the kinds are {'; '.join(KINDS)}; got {kinds[app]!r} for {app}.")
        if kinds[app] not in suitable:
            return missing(f"{app}: {reason}.")
    return right("all messages late, or fresh messages with gaps: each app chooses.")


@exercise("the worst kind", expects="the name of a kind")
def worst_kind(kind: str) -> CheckResult:
    """Judge which kind is late and loses messages as well."""
    if kind == "ordered, once":
        return right("it loses messages, and still waits: the receiver must first learn that it may skip one.")
    if kind in KINDS:
        return missing("this kind is either complete or fast; one is neither, at a loss of 30 %.")
    return missing(f"the kinds are {'; '.join(KINDS)}.")


@exercise("the options of a game", expects="a dictionary of options")
def options_of_a_game(options: Mapping[str, Any]) -> CheckResult:
    """Judge options of `create_data_channel` for positions in a game."""
    known = {"ordered", "max_retransmits", "max_packet_life_time", "protocol", "negotiated", "id"}
    if unknown := set(options) - known:
        return missing(f"create_data_channel has no option {sorted(map(str, unknown))[0]!r}.")
    if options.get("ordered", True) is not False:
        return missing("a position that is overtaken must not hold back the newer ones: set ordered.")
    limits = [name for name in ("max_retransmits", "max_packet_life_time") if options.get(name) is not None]
    if len(limits) == 2:
        return missing("a channel takes max_retransmits or max_packet_life_time, not both.")
    if not limits:
        return missing("without a limit, every position is sent again until it arrives.")
    if options[limits[0]] > {"max_retransmits": 1, "max_packet_life_time": 500}[limits[0]]:
        return missing(f"{limits[0]}={options[limits[0]]} sends positions again that are out of date.")
    return right("what is late is dropped, and the newest position passes.")
