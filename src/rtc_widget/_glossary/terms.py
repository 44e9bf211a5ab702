"""The glossary, and its function `glossary`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from html import escape
from importlib.resources import files
from typing import overload

from rtc_widget._glossary.references import reference_html
from rtc_widget._sequence import FrozenSequence
from rtc_widget.errors import UnknownTerm

_STYLE = "line-height: 1.5; max-width: 60em"


@dataclass(frozen=True, slots=True)
class Term:
    """A term of WebRTC and its explanation.

    Attributes
    ----------
    name : str
        The written form.
    short : str
        One sentence or phrase.
    says : str
        The long explanation: one to three sentences, written for speech.
    refs : tuple of str
        Where a standard defines it, such as ``"RFC 8445 §2"``; empty if no standard does.
    aliases : tuple of str
        Spoken forms with no other meaning.
    ordinary : tuple of str
        Spoken forms that are also ordinary words. They match only if the question is about nothing else.
    """

    name: str
    short: str
    says: str
    refs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    ordinary: tuple[str, ...] = ()

    def __str__(self) -> str:
        refs = f" ({', '.join(self.refs)})" if self.refs else ""
        return f"{self.name}: {self.short}{refs}\n{self.says}"

    def __repr__(self) -> str:
        return f"<Term {self.name}: {self.short}>"

    def _repr_html_(self) -> str:
        refs = ", ".join(map(reference_html, self.refs))
        reference = f'<div style="opacity: 0.75">{refs}</div>' if refs else ""
        return (
            f'<div style="{_STYLE}"><b>{escape(self.name)}</b>: {escape(self.short)}'
            f"<div>{escape(self.says)}</div>{reference}</div>"
        )


class Glossary(FrozenSequence[Term]):
    """All terms, in alphabetical order."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self._terms = tuple(sorted(terms, key=lambda term: term.name.casefold()))

    def _snapshot(self) -> Sequence[Term]:
        return self._terms

    def __str__(self) -> str:
        return "\n".join(f"{term.name}: {term.short}" for term in self)

    def __repr__(self) -> str:
        return f"<Glossary: {len(self)} terms, {self[0].name} to {self[-1].name}>"

    def _repr_html_(self) -> str:
        entries = "".join(
            f"<details><summary><b>{escape(term.name)}</b>: {escape(term.short)}</summary>"
            f"{term._repr_html_()}</details>"
            for term in self
        )
        return f'<div style="{_STYLE}">{entries}</div>'


@cache
def all_terms() -> tuple[Term, ...]:
    """Return all terms, in the order of the data file."""
    text = files("rtc_widget._glossary").joinpath("glossary.toml").read_text(encoding="utf-8")
    return tuple(
        Term(
            entry["name"],
            entry["short"],
            entry["says"],
            tuple(entry["refs"]),
            tuple(entry["aliases"]),
            tuple(entry.get("ordinary", ())),
        )
        for entry in tomllib.loads(text)["term"]
    )


@overload
def glossary(term: str) -> Term: ...
@overload
def glossary(term: None = None) -> Glossary: ...
def glossary(term: str | None = None) -> Term | Glossary:
    """Return a term of WebRTC with its explanation, or all terms.

    Parameters
    ----------
    term : str, optional
        The term, in any case, in singular or plural, with spaces or hyphens. Without it, all terms are returned.

    Raises
    ------
    UnknownTerm
        If the glossary does not have the term; the message has the most similar terms.

    Examples
    --------
    >>> glossary("ice").short
    'Interactive Connectivity Establishment: collect all addresses, check the pairs, use one that works.'
    >>> len(glossary()) >= 100
    True
    """
    if term is None:
        return Glossary(all_terms())
    if not isinstance(term, str):
        raise TypeError(f"term must be a string, got {term.__class__.__qualname__}.")
    key = _key(term)
    index = _index()
    found = index.get(key) or index.get(key.removesuffix("s")) if key else None
    if found is not None:
        return found
    close = dict.fromkeys(index[match].name for match in get_close_matches(key, index, n=5, cutoff=0.6))
    similar = f" Similar terms: {', '.join(close)}." if close else ""
    raise UnknownTerm(f"term must be a term of the glossary, got {term[:100]!r}.{similar}")


@cache
def _index() -> dict[str, Term]:
    """Return all terms by the key of each form; a name counts more than an alias, an alias more than a common word."""
    forms: dict[str, Term] = {}
    for spoken in (lambda term: (term.name,), lambda term: term.aliases, lambda term: term.ordinary):
        for term in all_terms():
            for form in spoken(term):
                forms.setdefault(_key(form), term)
    return forms


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", text.casefold()).strip()
