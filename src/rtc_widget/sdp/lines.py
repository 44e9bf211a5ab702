"""The lines of a session description, kept as they came (RFC 8866, section 5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_NUMBER = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True, slots=True, repr=False)
class Line:
    r"""One line of a session description.

    Attributes
    ----------
    number : int
        The number of the line, from 1.
    text : str
        The line without its end.
    end : str
        ``"\r\n"``, ``"\n"``, or empty for a last line without an end.

    Examples
    --------
    >>> line = Line(3, "a=setup:actpass", "\r\n")
    >>> line.type, line.attribute, line.value
    ('a', 'setup', 'actpass')
    """

    number: int
    text: str
    end: str

    @property
    def type(self) -> str:
        """The letter in front of ``=`` (RFC 8866, section 5); empty if the line does not have this form."""
        return self.text[0] if self.text[1:2] == "=" else ""

    @property
    def attribute(self) -> str:
        """The name of the attribute; empty if the line is not an ``a=`` line."""
        return self.text[2:].partition(":")[0] if self.type == "a" else ""

    @property
    def value(self) -> str:
        """The text after the attribute's colon, or after ``=`` if the line is not an ``a=`` line."""
        content = self.text[2:] if self.type else self.text
        return content.partition(":")[2] if self.type == "a" else content

    @property
    def kind(self) -> str:
        """The kind of the line: ``"m="``, ``"a=setup"``; empty if the line does not have the form of SDP."""
        return f"a={self.attribute}" if self.type == "a" else self.type and f"{self.type}="

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        # The text may have addresses and passwords, which a saved notebook should not have.
        return f"<Line {self.number}: {self.kind or 'malformed'}>"


def split_lines(text: str) -> tuple[Line, ...]:
    r"""Return the lines of a text; joined with their ends, they are the text again, whatever it holds.

    Examples
    --------
    >>> [(line.text, line.end) for line in split_lines("v=0\r\ns=-\n\rx")]
    [('v=0', '\r\n'), ('s=-', '\n'), ('\rx', '')]
    """
    return tuple(_lines(text))


def _lines(text: str) -> Iterator[Line]:
    # `str.splitlines` would also split at form feeds, U+2028 and others.
    *ended, last = text.split("\n")
    for number, line in enumerate(ended, 1):
        yield Line(number, line[:-1], "\r\n") if line.endswith("\r") else Line(number, line, "\n")
    if last:
        yield Line(len(ended) + 1, last, "")


def number_of(text: str) -> int | None:
    """Return the number that the ASCII digits of a text say; None if the text is anything else.

    Examples
    --------
    >>> number_of("9"), number_of("-9"), number_of("nine")
    (9, None, None)
    """
    return int(text) if _NUMBER.fullmatch(text) else None
