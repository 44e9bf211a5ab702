"""The difference of two session descriptions, as objects (RFC 3264, RFC 9429)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rtc_widget._unicode import well_formed
from rtc_widget.optional import require_pandas
from rtc_widget.sdp.codecs import Codec
from rtc_widget.sdp.findings import MARKS, Finding, Outcome
from rtc_widget.sdp.negotiation import codec_matches, section_findings, session_findings
from rtc_widget.sdp.parsed import ParsedDescription
from rtc_widget.sdp.revision import section_changes, session_changes
from rtc_widget.sdp.sections import MediaSection

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, repr=False)
class SectionDifference:
    """A media section of two descriptions, which belong together by their position (RFC 3264, section 6).

    Attributes
    ----------
    index : int
        The position, from 0.
    before, after : MediaSection or None
        The section of the offer and of the answer, or of the earlier and the later description.
    codecs : tuple of (Codec, Codec or None)
        Each codec of the first description with that of the second; None if it was refused or removed. Codecs are
        matched by name, clock rate, channels and what makes them incompatible, never by payload type.
    findings : tuple of Finding
        What was negotiated, refused and changed.
    """

    index: int
    before: MediaSection | None
    after: MediaSection | None
    codecs: tuple[tuple[Codec, Codec | None], ...]
    findings: tuple[Finding, ...]

    @property
    def title(self) -> str:
        """The kind of the section, and its mid."""
        section = self.before or self.after
        return section.title if section is not None else f"section {self.index}"

    @property
    def negotiated_codecs(self) -> tuple[Codec, ...]:
        """The codecs that both have, as the second description writes them and in its order."""
        found = {id(after): after for _, after in self.codecs if after is not None}
        order = {} if self.after is None else {codec: at for at, codec in enumerate(self.after.codecs)}
        return tuple(sorted(found.values(), key=lambda codec: order.get(codec, len(order))))

    @property
    def refused_codecs(self) -> tuple[Codec, ...]:
        """The codecs of the first description that the second does not have."""
        return tuple(before for before, after in self.codecs if after is None)

    def __repr__(self) -> str:
        return f"<SectionDifference: {self.title}; {len(self.findings)} findings>"


@dataclass(frozen=True, slots=True, repr=False)
class Difference:
    """What two session descriptions say together; it has no addresses, credentials or fingerprints.

    Attributes
    ----------
    kind : {"negotiation", "revision"}
        Whether an offer and its answer were compared, or two descriptions of the same type.
    session : tuple of Finding
        The findings about the whole session.
    sections : tuple of SectionDifference
        The media sections.
    """

    kind: Literal["negotiation", "revision"]
    session: tuple[Finding, ...]
    sections: tuple[SectionDifference, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings: those about the session, then those of each section."""
        return (*self.session, *(finding for section in self.sections for finding in section.findings))

    @property
    def negotiated(self) -> tuple[Finding, ...]:
        """What both sides have agreed on."""
        return self._of("negotiated")

    @property
    def refused(self) -> tuple[Finding, ...]:
        """What the answer has refused."""
        return self._of("refused")

    @property
    def changed(self) -> tuple[Finding, ...]:
        """What the two descriptions say differently."""
        return self._of("changed")

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What an answer must not say to this offer."""
        return self._of("error")

    def to_pandas(self) -> pd.DataFrame:
        """Return a table with one row per finding (extra ``data``).

        Raises
        ------
        ImportError
            If pandas is not installed; the message says how to install it.
        """
        pd = require_pandas()
        rows = [
            (title, finding.topic, finding.outcome, finding.before, finding.after, finding.text)
            for title, findings in self._groups()
            for finding in findings
        ]
        names = ["section", "topic", "outcome", *(("before", "after") if self.kind == "revision" else _PAIR), "text"]
        return pd.DataFrame([[well_formed(cell) for cell in row] for row in rows], columns=names).astype("string")

    def _of(self, outcome: Outcome) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.outcome == outcome)

    def _groups(self) -> Sequence[tuple[str, tuple[Finding, ...]]]:
        return [("session", self.session), *((section.title, section.findings) for section in self.sections)]

    def __repr__(self) -> str:
        rows = [f"<Difference: {self.kind}; {len(self.sections)} media sections>"]
        for title, findings in self._groups():
            rows += [f"{title}:"] if findings else []
            rows += [f"  {MARKS[finding.outcome]} {finding.topic}: {finding.text}" for finding in findings]
        return well_formed("\n".join(rows))

    def _repr_html_(self) -> str:
        from rtc_widget.sdp.difference_view import difference_html

        return difference_html(self.kind, self._groups())


_PAIR = ("offer", "answer")


def difference_of(first: ParsedDescription, second: ParsedDescription) -> Difference:
    """Return the difference of an offer and its answer, or of two descriptions of the same type."""
    is_revision = first.type is not None and first.type == second.type
    count = max(len(first.media), len(second.media))
    sections = []
    for index in range(count):
        before = first.media[index] if index < len(first.media) else None
        after = second.media[index] if index < len(second.media) else None
        codecs = codec_matches(before.codecs, () if after is None else after.codecs) if before is not None else ()
        findings = section_changes(before, after) if is_revision else section_findings(before, after, codecs)
        sections.append(SectionDifference(index, before, after, codecs, tuple(findings)))
    return Difference(
        "revision" if is_revision else "negotiation",
        tuple(session_changes(first, second) if is_revision else session_findings(first, second)),
        tuple(sections),
    )
