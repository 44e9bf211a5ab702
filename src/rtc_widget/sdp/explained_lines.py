"""The lines of a session description with their explanations, as JSON for a page."""

from __future__ import annotations

from collections.abc import Iterator

from rtc_widget._unicode import well_formed
from rtc_widget.sdp.codecs import Codec
from rtc_widget.sdp.explanations import explain
from rtc_widget.sdp.lines import Line
from rtc_widget.sdp.parsed import ParsedDescription
from rtc_widget.sdp.private_parts import parts_of
from rtc_widget.sdp.sections import MediaSection

_MAX_LINES = 500
_MAX_CHARACTERS = 2_000


def explained_lines(sdp: str) -> list[dict[str, object]]:
    """Return the first 500 lines: the ``parts`` of each, what it ``says``, and the ``refs`` to standards.

    A part is a text and its kind: None, or what makes it private, such as ``"address"``.

    Examples
    --------
    >>> [line] = explained_lines("a=ice-pwd:secret")
    >>> line["parts"]
    [['a=ice-pwd:', None], ['secret', 'ICE credential']]
    """
    placed = placed_lines(ParsedDescription(sdp, None))
    return [_explained(line, codecs) for (line, _, codecs), _ in zip(placed, range(_MAX_LINES), strict=False)]


def placed_lines(
    description: ParsedDescription,
) -> Iterator[tuple[Line, MediaSection | None, tuple[Codec, ...]]]:
    """Yield each line with its media section, None for the session's, and the codecs of the section."""
    for line in description.session.lines:
        yield line, None, ()
    for section in description.media:
        codecs = section.codecs
        for line in section.lines:
            yield line, section, codecs


def _explained(line: Line, codecs: tuple[Codec, ...]) -> dict[str, object]:
    explanation = explain(line, codecs)
    short = Line(line.number, line.text[:_MAX_CHARACTERS], line.end)
    parts = [[well_formed(part.text), part.kind] for part in parts_of(short)]
    return {"parts": parts, "says": well_formed(explanation.says), "refs": list(explanation.refs)}
