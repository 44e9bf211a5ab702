"""A report of the steps of the last call, and of the step that failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Outcome = Literal["ok", "failed", "not reached"]
_MARKS: Mapping[str, str] = {"ok": "✓", "failed": "✕", "not reached": "·"}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of making a call, and its outcome.

    Attributes
    ----------
    name : str
        The name of the step, such as ``"ICE connected"``.
    outcome : {"ok", "failed", "not reached"}
        The outcome of the step.
    detail : str
        More about the outcome; may be empty.
    """

    name: str
    outcome: Outcome
    detail: str

    def __str__(self) -> str:
        return f"{_MARKS[self.outcome]} {self.name}" + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True, slots=True)
class TriedPair:
    """A candidate pair that ICE has checked (RFC 8445, section 6.1.2).

    Attributes
    ----------
    local, remote : str
        Type and address of the two candidates, such as ``"host 192.168.1.5:50000"``; a browser may hide an address.
    protocol : str
        ``"udp"`` or ``"tcp"``.
    state : str
        The last known state: ``"frozen"``, ``"waiting"``, ``"in-progress"``, ``"failed"`` or ``"succeeded"``.
    sent, answered : int or None
        The number of connectivity checks that were sent and answered; None if the page does not report it.
    selected : bool
        Whether ICE selected this pair.
    """

    local: str
    remote: str
    protocol: str
    state: str
    sent: int | None = None
    answered: int | None = None
    selected: bool = False

    def __str__(self) -> str:
        checks = "" if self.sent is None else f", {self.sent} checks sent, {self.answered or 0} answered"
        taken = ", in use" if self.selected else ""
        return f"{self.local} → {self.remote} ({self.protocol}): {self.state}{checks}{taken}"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A report of the last call, step by step; its ``str()`` is text to print.

    Attributes
    ----------
    steps : tuple of Step
        The steps, in the order in which they depend on each other.
    cause : str
        The likely cause of the failure; empty if no step failed.
    hint : str
        What to do next; may be empty.
    pairs : tuple of TriedPair
        The candidate pairs that ICE has checked.
    """

    steps: tuple[Step, ...]
    cause: str
    hint: str
    pairs: tuple[TriedPair, ...] = ()

    @property
    def stopped_at(self) -> Step | None:
        """The first step that failed."""
        return next((step for step in self.steps if step.outcome == "failed"), None)

    def __str__(self) -> str:
        lines = [str(step) for step in self.steps]
        if self.pairs:
            lines += ["", "Candidate pairs:", *(f"  {pair}" for pair in self.pairs)]
        if self.cause:
            lines += ["", f"Likely cause: {self.cause}"]
        if self.hint:
            lines.append(f"What to do: {self.hint}")
        return "\n".join(lines)

    __repr__ = __str__


def diagnosis_from_wire(result: Mapping[str, Any]) -> Diagnosis:
    """Return the diagnosis in a reply of the page."""
    steps = tuple(
        Step(str(step["name"]), step["outcome"], str(step["detail"]))
        for step in result.get("steps", ())
        if step.get("outcome") in _MARKS
    )
    pairs = tuple(
        TriedPair(
            str(pair["local"]),
            str(pair["remote"]),
            str(pair["protocol"]),
            str(pair["state"]),
            pair.get("sent"),
            pair.get("answered"),
            bool(pair.get("selected")),
        )
        for pair in result.get("pairs", ())
    )
    return Diagnosis(steps, str(result.get("cause", "")), str(result.get("hint", "")), pairs)
