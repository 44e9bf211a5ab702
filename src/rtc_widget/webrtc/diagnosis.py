"""What was tried for the last call and where it stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Outcome = Literal["ok", "failed", "not reached"]
_MARKS: Mapping[str, str] = {"ok": "✓", "failed": "✕", "not reached": "·"}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a call needs, and what came of it.

    Attributes
    ----------
    name : str
        What it is, such as ``"ICE found a way"``.
    outcome : {"ok", "failed", "not reached"}
        How far it came.
    detail : str
        What is known of it.
    """

    name: str
    outcome: Outcome
    detail: str

    def __str__(self) -> str:
        return f"{_MARKS[self.outcome]} {self.name}" + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True, slots=True)
class TriedPair:
    """A way that ICE has tried: a pair of candidates, and what became of its checks (RFC 8445, section 6.1.2).

    Attributes
    ----------
    local, remote : str
        Kind and address of the two ends, such as ``"host 192.168.1.5:50000"``; a browser may hide an address.
    protocol : str
        ``"udp"`` or ``"tcp"``.
    state : str
        ``"frozen"``, ``"waiting"``, ``"in-progress"``, ``"failed"`` or ``"succeeded"``, as it was last seen.
    sent, answered : int or None
        How many checks went out and how many were answered; None where the page does not count them.
    selected : bool
        Whether this way was taken.
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
    """A report of the last call, step by step; print it.

    Attributes
    ----------
    steps : tuple of Step
        In the order in which one needs the one before it.
    cause : str
        What went wrong, as far as is known; empty when nothing did.
    hint : str
        What to do next.
    pairs : tuple of TriedPair
        The ways that ICE has tried.
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
            lines += ["", "Ways tried:", *(f"  {pair}" for pair in self.pairs)]
        if self.cause:
            lines += ["", f"Likely cause: {self.cause}"]
        if self.hint:
            lines.append(f"What to do: {self.hint}")
        return "\n".join(lines)

    __repr__ = __str__


def diagnosis_from_wire(result: Mapping[str, Any]) -> Diagnosis:
    """Return what the page has found."""
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
