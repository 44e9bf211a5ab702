"""A report of the steps of the last call, and of the step that failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, Literal

from rtc_widget._html import faint, table, view

Outcome = Literal["ok", "failed", "not reached"]
_MARKS: Mapping[str, str] = {"ok": "✓", "failed": "✕", "not reached": "·"}
_CLASSES: Mapping[str, str] = {"ok": "ok", "failed": "bad", "not reached": "f"}


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

    def without_addresses(self) -> TriedPair:
        """Return the pair with only the types of its candidates."""
        return replace(self, local=_kind(self.local), remote=_kind(self.remote))

    def __repr__(self) -> str:
        # Without addresses: a notebook stores it.
        return f"<TriedPair: {_kind(self.local)} → {_kind(self.remote)} ({self.protocol}): {self.state}>"

    def __str__(self) -> str:
        checks = "" if self.sent is None else f", {self.sent} checks sent, {self.answered or 0} answered"
        taken = ", in use" if self.selected else ""
        return f"{self.local} → {self.remote} ({self.protocol}): {self.state}{checks}{taken}"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A report of the last call, step by step.

    A notebook shows it without addresses; ``print`` shows those of the candidate pairs as well.

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
        return self._text([str(pair) for pair in self.pairs])

    def __repr__(self) -> str:
        return self._text([str(pair.without_addresses()) for pair in self.pairs])

    def _repr_html_(self) -> str:
        steps = (
            (
                f'<span class="{_CLASSES[step.outcome]}" aria-label="{step.outcome}">{_MARKS[step.outcome]}</span>',
                faint(step.name) if step.outcome == "not reached" else escape(step.name),
                faint(step.detail),
            )
            for step in self.steps
        )
        pairs = (
            (
                escape(f"{_kind(pair.local)} → {_kind(pair.remote)} ({pair.protocol})"),
                escape(pair.state) + (", in use" if pair.selected else ""),
                "" if pair.sent is None else f"{pair.sent} sent, {pair.answered or 0} answered",
            )
            for pair in self.pairs
        )
        parts = [table((), steps)]
        if self.cause:
            parts.append(f'<div><span class="bad">Likely cause:</span> {escape(self.cause)}</div>')
        if self.hint:
            parts.append(f"<div><b>What to do:</b> {escape(self.hint)}</div>")
        if self.pairs:
            inside = table(("candidate pair", "state", "checks"), pairs)
            parts.append(f"<details><summary>Candidate pairs: {len(self.pairs)}</summary>{inside}</details>")
        return view(*parts)

    def _text(self, pairs: Sequence[str]) -> str:
        lines = [str(step) for step in self.steps]
        if pairs:
            lines += ["", "Candidate pairs:", *(f"  {pair}" for pair in pairs)]
        if self.cause:
            lines += ["", f"Likely cause: {self.cause}"]
        if self.hint:
            lines.append(f"What to do: {self.hint}")
        return "\n".join(lines)


def _kind(candidate: str) -> str:
    """Return the type of a candidate, without its address."""
    return candidate.partition(" ")[0]


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
