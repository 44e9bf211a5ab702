"""A session description as HTML: folded sections, each line explained. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from rtc_widget._glossary.references import reference_html
from rtc_widget._glossary.terms import glossary
from rtc_widget._unicode import well_formed
from rtc_widget.sdp.candidates import Candidate
from rtc_widget.sdp.codecs import Codec
from rtc_widget.sdp.explanations import (
    Explanation,
    candidate_fields,
    explain,
    explain_candidate_type,
    explain_codec,
)
from rtc_widget.sdp.faults import Fault, faults_of
from rtc_widget.sdp.lines import Line
from rtc_widget.sdp.parsed import ParsedDescription
from rtc_widget.sdp.private_parts import HIDDEN, hidden, parts_of
from rtc_widget.sdp.sections import MediaSection
from rtc_widget.sdp.style import STYLE, table

_CANDIDATE_COLUMNS = (
    ("type", "type"),
    ("transport", "transport"),
    ("address", "address"),
    ("port", "port"),
    ("priority", "priority"),
    ("component", "component"),
    ("foundation", "foundation"),
    ("raddr", "behind it"),
)
_CODEC_COLUMNS = ("payload type", "codec", "clock rate", "channels", "parameters", "feedback", "in words")
_MAX_LINES, _MAX_CHARACTERS, _MAX_FAULTS = 1_000, 2_000, 100
"""What a view shows at most: lines of a section, characters of a line, faults. Descriptions come from anywhere."""
_TITLES = {"offer": "Offer", "pranswer": "Provisional answer", "answer": "Answer", "rollback": "Rollback"}


class DescriptionView:
    """The view of a session description in a notebook; `repr()` is the same as text.

    Parameters
    ----------
    description : ParsedDescription
        The description.
    secrets : bool
        Whether to show ICE credentials, fingerprints and addresses.
    opened : bool
        Whether the sections are open at first.
    """

    def __init__(self, description: ParsedDescription, *, secrets: bool, opened: bool) -> None:
        self._description = description
        self._secrets = secrets
        self._opened = opened

    def _repr_html_(self) -> str:
        faults = faults_of(self._description)
        writer = _SectionWriter(faults, secrets=self._secrets, opened=self._opened)
        description = self._description
        session = description.session
        inside = [writer.head(description), writer.fault_list()]
        if session.lines:
            words = " · ".join(_session_words(description))
            inside.append(writer.section(f"<b>Session</b> {escape(words)}", writer.lines(session.lines, ())))
        for section in description.media:
            inside.append(writer.section(writer.summary(section), writer.media(section)))
        inside.append(writer.term_list())
        return well_formed(f'<div class="rtcw-sdp">{STYLE}{"".join(inside)}</div>')

    def __repr__(self) -> str:
        rows = [repr(self._description)]
        for line in self._description.lines:
            rows.append(f"{line.number:4}  {line.text if self._secrets else hidden(line)}")
        return well_formed("\n".join(rows))


class _SectionWriter:
    """Writes the parts of one view; it remembers which terms the view has used."""

    def __init__(self, faults: Iterable[Fault], *, secrets: bool, opened: bool) -> None:
        self._faults: dict[int | None, list[Fault]] = {}
        for fault in faults:
            self._faults.setdefault(fault.line_number, []).append(fault)
        self._secrets = secrets
        self._opened = opened
        self._terms: dict[str, None] = {}
        self._has_fields = False

    def head(self, description: ParsedDescription) -> str:
        title = _TITLES.get(description.type or "", "Session description")
        private = any(part.kind for line in description.lines for part in parts_of(line))
        if not private:
            note = ""
        elif self._secrets:
            note = "Addresses, ICE credentials and fingerprints are shown: clear this output before you share it."
        else:
            note = "Addresses, ICE credentials and fingerprints are hidden; <code>.show()</code> shows them."
        return (
            f"<div><b>{title}</b>, {len(description.lines)} lines, {len(description.media)} media sections. "
            f'<span class="f">{note}</span></div>'
        )

    def fault_list(self) -> str:
        if not self._faults:
            return ""
        faults = [fault for some in self._faults.values() for fault in some]
        words = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        entries = "".join(f"<li>{escape(str(fault))}</li>" for fault in faults[:_MAX_FAULTS])
        return f'<details open class="x"><summary>{words}</summary><ul>{entries}</ul></details>'

    def section(self, summary: str, inside: str) -> str:
        return f"<details{' open' if self._opened else ''}><summary>{summary}</summary><div>{inside}</div></details>"

    def summary(self, section: MediaSection) -> str:
        words = []
        if section.is_refused:
            words.append("refused (port 0)")
        elif section.is_rtp:
            words.append(section.direction)
        names = list(dict.fromkeys(codec.name for codec in section.codecs if codec.name and codec.repairs is None))
        words += [", ".join(names[:4]) + ("…" if len(names) > 4 else "")] if names else []
        words += [f"{len(section.candidates)} candidates"] if section.candidates else []
        words += [f"DTLS {section.setup[:20]}"] if section.setup else []
        words.append(f"{len(section.lines)} lines")
        return f"<b>{escape(section.title)}</b> {escape(' · '.join(words))}"

    def media(self, section: MediaSection) -> str:
        tables = ""
        if section.codecs:
            tables += self._folded(f"{len(section.codecs)} codecs as a table", _codec_table(section.codecs))
        if section.candidates:
            rows = self._candidate_table(section.candidates)
            tables += self._folded(f"{len(section.candidates)} candidates as a table", rows)
            tables += self._field_list()
        return tables + self.lines(section.lines, section.codecs)

    def lines(self, lines: Sequence[Line], codecs: Sequence[Codec]) -> str:
        # An explanation stands once in a section: a section for video has dozens of equal ones.
        first: dict[Explanation, int] = {}
        shown = "".join(self._line(line, explain(line, codecs), first) for line in lines[:_MAX_LINES])
        left = len(lines) - _MAX_LINES
        return shown + (f'<div class="l">{left} more lines are not shown.</div>' if left > 0 else "")

    def term_list(self) -> str:
        if not self._terms:
            return ""
        terms = sorted(map(glossary, self._terms), key=lambda term: term.name.casefold())
        entries = "".join(f"<dt>{escape(term.name)}</dt><dd>{escape(term.short)}</dd>" for term in terms)
        return f"<details><summary>{len(terms)} terms of the glossary</summary><dl>{entries}</dl></details>"

    def _line(self, line: Line, explanation: Explanation, first: dict[Explanation, int]) -> str:
        seen = first.setdefault(explanation, line.number)
        words = self._words(explanation) if seen == line.number else f'<span class="f">as line {seen}</span>'
        faults = "".join(f'<div class="x">{escape(fault.reason)}</div>' for fault in self._faults.get(line.number, ()))
        return (
            f'<div class="l"><code><span class="n">{line.number}</span>{self._text(line)}</code>'
            f"<div>{words}{faults}</div></div>"
        )

    def _text(self, line: Line) -> str:
        words = ""
        left = _MAX_CHARACTERS
        for part in parts_of(line):
            text = part.text[:left]
            words += escape(text) if part.kind is None else self._private(text, part.kind)
            left -= len(text)
            if left <= 0:
                more = len(line.text) - _MAX_CHARACTERS
                return words + (f' <span class="f">… {more} more characters</span>' if more else "")
        return words

    def _private(self, text: str, kind: str) -> str:
        return f'<mark title="{kind}">{escape(text)}</mark>' if self._secrets else f"<mark>{kind} {HIDDEN}</mark>"

    def _words(self, explanation: Explanation) -> str:
        words = escape(explanation.says)
        for name in explanation.terms:
            at = words.casefold().find(name.casefold())
            if at >= 0 and name not in self._terms and "<" not in words:
                short = escape(glossary(name).short)
                end = at + len(name)
                words = f'{words[:at]}<abbr title="{short}">{words[at:end]}</abbr>{words[end:]}'
            self._terms[name] = None
        refs = ", ".join(map(reference_html, explanation.refs))
        return f'{words} <span class="f">{refs}</span>'

    def _folded(self, title: str, inside: str) -> str:
        opened = " open" if self._opened else ""
        return f'<details{opened}><summary>{title}</summary><div class="t">{inside}</div></details>'

    def _field_list(self) -> str:
        """Return the meaning of the fields of a candidate; once in a view."""
        if self._has_fields:
            return ""
        self._has_fields = True
        entries = "".join(
            f"<dt>{escape(name)}</dt><dd>{self._words(explanation)}</dd>"
            for name, explanation in candidate_fields().items()
        )
        return f"<details><summary>The fields of a candidate</summary><dl>{entries}</dl></details>"

    def _candidate_table(self, candidates: Iterable[Candidate]) -> str:
        heads = "".join(
            f'<th title="{escape(candidate_fields()[name].says)}">{title}</th>' for name, title in _CANDIDATE_COLUMNS
        )
        return table(heads, (self._candidate_row(candidate) for candidate in candidates))

    def _candidate_row(self, candidate: Candidate) -> Iterator[str]:
        meaning = explain_candidate_type(candidate.type).says
        yield f'<span title="{escape(meaning)}">{escape(candidate.type)}</span>'
        yield escape(f"{candidate.transport} {candidate.tcp_type or ''}")
        yield self._private(candidate.address, "mDNS name" if candidate.is_mdns else "address")
        yield _cell(candidate.port)
        yield _cell(candidate.priority)
        yield _cell(candidate.component)
        yield escape(candidate.foundation)
        yield "" if candidate.related_address is None else self._private(candidate.related_address, "address")


def _session_words(description: ParsedDescription) -> Iterator[str]:
    session = description.session
    for mids in session.bundles:
        yield f"BUNDLE {' '.join(mids)}"
    if session.ice_lite:
        yield "ICE lite"
    yield f"{len(session.lines)} lines"


def _codec_table(codecs: Iterable[Codec]) -> str:
    heads = "".join(f"<th>{title}</th>" for title in _CODEC_COLUMNS)
    return table(heads, map(_codec_row, codecs))


def _codec_row(codec: Codec) -> Iterator[str]:
    yield _cell(codec.payload_type)
    yield f"<b>{escape(codec.name or 'unknown')}</b>"
    yield _cell(codec.clock_rate)
    yield _cell(codec.channels)
    yield escape("; ".join(f"{name}={value}" if value else name for name, value in codec.parameters.items()))
    yield escape(", ".join(codec.feedback))
    yield escape(explain_codec(codec.name).says)


def _cell(value: int | None) -> str:
    return "" if value is None else str(value)
