"""The difference of two session descriptions as HTML. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from rtc_widget._unicode import well_formed
from rtc_widget.sdp.findings import MARKS, Finding, Outcome
from rtc_widget.sdp.style import STYLE, table

_WORDS: dict[Outcome, str] = {"negotiated": "negotiated", "refused": "refused", "changed": "changed", "error": "errors"}


def difference_html(kind: str, groups: Sequence[tuple[str, tuple[Finding, ...]]]) -> str:
    """Return all findings, one folded table per section."""
    before, after = ("offer", "answer") if kind == "negotiation" else ("before", "after")
    heads = f"<th></th><th>topic</th><th>{before}</th><th>{after}</th><th>meaning</th>"
    title = "Offer and answer" if kind == "negotiation" else "Earlier and later description"
    every = [finding for _, findings in groups for finding in findings]
    inside = "".join(
        f"<details open><summary><b>{escape(name)}</b> {_counts(findings)}</summary>"
        f'<div class="t">{table(heads, map(_row, findings))}</div></details>'
        for name, findings in groups
        if findings
    )
    note = _counts(every) or "no difference"
    return well_formed(f'<div class="rtcw-sdp">{STYLE}<div><b>{title}</b>: {note}</div>{inside}</div>')


def _counts(findings: Sequence[Finding]) -> str:
    outcomes = [finding.outcome for finding in findings]
    return ", ".join(f"{outcomes.count(one)} {words}" for one, words in _WORDS.items() if one in outcomes)


def _row(finding: Finding) -> Iterator[str]:
    mark = "x" if finding.outcome == "error" else "k"
    yield f'<span class="{mark}" title="{finding.outcome}">{MARKS[finding.outcome]}</span>'
    yield escape(finding.topic)
    yield escape(finding.before)
    yield escape(finding.after)
    yield escape(finding.text)
