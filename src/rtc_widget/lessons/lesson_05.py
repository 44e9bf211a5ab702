"""Exercises of lesson 5, the first call by hand."""

from __future__ import annotations

from typing import Any

from rtc_widget.errors import InvalidStateError
from rtc_widget.lessons.exercises import CheckResult, exercise, missing, right


@exercise("one side is enough", expects="the peer connection that was told no candidate")
def one_side_is_enough(pc: Any) -> CheckResult:
    """Judge whether a peer connected that was told no candidate of the other side."""
    if any(_calls(pc, "add_ice_candidate")):
        return missing("this side was told a candidate; begin again, and tell the other side only.")
    if pc.connection_state != "connected":
        return missing(f"it must be connected, and is {pc.connection_state}: tell the other side all candidates.")
    selected = [pair for pair in pc.pairs if pair.get("selected")]
    kind = selected[0]["remote"]["type"] if selected else "prflx"
    return right(f"it learned the other's address from the checks that arrived: a candidate of the type {kind}.")


@exercise("the wrong order", expects="the exception that an operation raised")
def the_wrong_order(error: BaseException) -> CheckResult:
    """Judge whether an operation was called in the wrong order."""
    if not isinstance(error, InvalidStateError):
        return missing(f"an operation in the wrong state raises InvalidStateError, got {type(error).__name__}.")
    return right("the error says which state it was, why that does not fit, and what to do next.")


@exercise("roll back", expects="a peer connection")
def roll_back(pc: Any) -> CheckResult:
    """Judge whether an offer was taken back."""
    states = [
        event.changes["pc"]["signaling_state"]
        for event in pc.events
        if "signaling_state" in event.changes.get("pc", {})
    ]
    if "have-local-offer" not in states:
        return missing("set an offer first: its signaling state must become have-local-offer.")
    if pc.signaling_state != "stable":
        return missing(f'the signaling state is {pc.signaling_state}; set the local description with type="rollback".')
    if any(_calls(pc, "set_remote_description")):
        return missing("it became stable by an answer; take the offer back instead.")
    return right("the offer is withdrawn, as if it had never been made.")


@exercise("a call of your own", expects="two peer connections")
def a_call_of_your_own(one: Any, other: Any) -> CheckResult:
    """Judge whether two peers are connected and have exchanged a message."""
    if one is other:
        return missing("a call has two ends: give two peer connections.")
    for name, pc in (("first", one), ("second", other)):
        if pc.signaling_state != "stable" or pc.local_description is None:
            return missing(f"the {name} peer is in the signaling state {pc.signaling_state}; finish offer and answer.")
    if "connected" not in (one.connection_state, other.connection_state):
        return missing("no peer is connected: tell one of them the candidates of the other.")
    if not any(event.type == "message" for pc in (one, other) for event in pc.events):
        return missing("no message has arrived: create a data channel before the offer, and send one when it is open.")
    return right("offer, answer, candidates, and a message: that is a call.")


def _calls(pc: Any, op: str) -> list[Any]:
    """Return the operations of a kind that were called and have not failed."""
    settled = [event.payload for event in pc.events if event.type == "operation" and event.payload.get("op") == op]
    return [payload for payload in settled if payload.get("phase") == "settled" and not payload.get("error")]
