"""The parts of a line that a stored notebook should not have: addresses, ICE credentials, fingerprints, keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from rtc_widget.sdp.lines import Line

PrivateKind = Literal["address", "ICE credential", "fingerprint", "key", "contact"]
HIDDEN = "•••"
"""What is shown in place of a private part."""

_WHOLE: dict[str, PrivateKind] = {
    "ice-ufrag": "ICE credential",
    "ice-pwd": "ICE credential",
    "crypto": "key",
    "key-mgmt": "key",
    "identity": "contact",
    "fingerprint": "fingerprint",
}
_CONTACTS: dict[str, PrivateKind] = {"k": "key", "e": "contact", "p": "contact"}
# Also found where the line is malformed: "a=ice-pwd secret", "A=ICE-PWD:secret", "ice-pwd secret".
_NAMED = re.compile(rf"\s*(?:\w\s*=\s*)?({'|'.join(_WHOLE)})[\s:=]*", re.IGNORECASE)
_ALGORITHM = re.compile(r"[\w-]+[ \t]+")
_CANDIDATE = re.compile(r"\s*(?:\w\s*=\s*)?candidate\s*:\s*(?:\S+\s+){4}(\S+)", re.IGNORECASE)
_REMOTE = re.compile(r"\s*a\s*=\s*remote-candidates\s*:\s*(.+)", re.IGNORECASE)
_AFTER_TYPE = re.compile(r"\bIP[46]\s+(\S+)", re.IGNORECASE)
_RELATED = re.compile(r"\braddr\s+(\S+)", re.IGNORECASE)
_UFRAG = re.compile(r"\bufrag\s+(\S+)", re.IGNORECASE)
_NUMERIC = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?![\w:])")
_MAPPED = re.compile(r"(?<![\w:])::ffff:\d{1,3}(?:\.\d{1,3}){3}", re.IGNORECASE)
# A word is read once: a pattern for ".local" itself would read a long word once per letter.
_WORD = re.compile(r"[\w.-]+")
# In any text that quotes a line: the value after the name of the attribute. Our own texts say "an a=ice-pwd line".
_QUOTED = re.compile(
    r"""
    (?P<before>
        \b(?:ice-ufrag|ice-pwd|identity)\s*[:=]\s*
        | \ba=ice-(?:ufrag|pwd)\s+(?!line\b)
        | \bfingerprint\s*[:=]\s*(?:[\w-]+[ \t]+)?
        | \binline:
        | \bkey-mgmt\s*[:=]\s*[\w-]+\s+
        | \bcandidate:[^\r\n]{0,1000}?\bufrag\s+
        | (?=(?:[0-9a-f]{2}:){7})
    )
    [^\s"'•]+""",
    re.IGNORECASE | re.VERBOSE,
)
_PUBLIC = {"0.0.0.0", "127.0.0.1", "::", "::1"}  # noqa: S104 - what everybody writes as a placeholder


@dataclass(frozen=True, slots=True)
class LinePart:
    """A part of a line; `kind` is None for what anybody may see."""

    text: str
    kind: PrivateKind | None = None


def parts_of(line: Line) -> tuple[LinePart, ...]:
    """Return the parts of a line; joined, they are its text.

    Examples
    --------
    >>> [part.text for part in parts_of(Line(1, "c=IN IP4 192.0.2.1", "")) if part.kind]
    ['192.0.2.1']
    """
    return tuple(_joined(line.text, sorted(_spans(line))))


def hidden(line: Line) -> str:
    """Return the text of a line with its private parts replaced.

    Examples
    --------
    >>> hidden(Line(1, "a=ice-pwd:secret", ""))
    'a=ice-pwd:•••'
    """
    return "".join(HIDDEN if part.kind else part.text for part in parts_of(line))


def without_addresses(text: str) -> str:
    """Return any text with the IP addresses and the ``.local`` names in it replaced.

    Examples
    --------
    >>> without_addresses("must be a number, got '192.0.2.1'")
    "must be a number, got '•••'"
    """
    return "".join(HIDDEN if part.kind else part.text for part in _joined(text, sorted(_addresses(text))))


def without_credentials(text: str) -> str:
    """Return any text with the ICE credentials, fingerprints and keys of the lines that it quotes replaced.

    Examples
    --------
    >>> without_credentials("Failed to parse SessionDescription. a=ice-pwd:secret Invalid SDP line.")
    'Failed to parse SessionDescription. a=ice-pwd:••• Invalid SDP line.'
    """
    return _QUOTED.sub(rf"\g<before>{HIDDEN}", text)


def _spans(line: Line) -> Iterator[tuple[int, int, PrivateKind]]:
    text = line.text
    named = _NAMED.match(text)
    if named is not None:
        kind = _WHOLE[named[1].casefold()]
        start = named.end()
        algorithm = _ALGORITHM.match(text, start) if kind == "fingerprint" else None
        yield start if algorithm is None else algorithm.end(), len(text), kind
        return
    if line.type in _CONTACTS:
        yield 2, len(text), _CONTACTS[line.type]
        return
    placed = [found for found in (_CANDIDATE.match(text), _REMOTE.match(text)) if found is not None]
    for found in [*placed, *_AFTER_TYPE.finditer(text), *_RELATED.finditer(text)]:
        if found[1] not in _PUBLIC:
            yield *found.span(1), "address"
    for found in _UFRAG.finditer(text):
        yield *found.span(1), "ICE credential"
    yield from _addresses(text)


def _addresses(text: str) -> Iterator[tuple[int, int, PrivateKind]]:
    for found in _MAPPED.finditer(text):
        yield *found.span(), "address"
    for found in _NUMERIC.finditer(text):
        if _is_address(found[0]):
            yield *found.span(), "address"
    for found in _WORD.finditer(text):
        at = found[0].casefold().rfind(".local")
        if at > 0:
            yield found.start(), found.start() + at + len(".local"), "address"


def _is_address(text: str) -> bool:
    if text in _PUBLIC:
        return False
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _joined(text: str, spans: list[tuple[int, int, PrivateKind]]) -> Iterator[LinePart]:
    at = 0
    for start, end, kind in _merged(spans):
        if at < start:
            yield LinePart(text[at:start])
        yield LinePart(text[start:end], kind)
        at = end
    if at < len(text):
        yield LinePart(text[at:])


def _merged(spans: list[tuple[int, int, PrivateKind]]) -> list[tuple[int, int, PrivateKind]]:
    """Return the spans with those that overlap as one, and without empty ones."""
    merged: list[tuple[int, int, PrivateKind]] = []
    for start, end, kind in spans:
        if merged and start < merged[-1][1]:
            first, last, earlier = merged[-1]
            merged[-1] = (first, max(last, end), earlier)
        elif start < end:
            merged.append((start, end, kind))
    return merged
