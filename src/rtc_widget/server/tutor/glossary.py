"""Finds the terms of the glossary in recognized speech."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz import fuzz, process

from rtc_widget._glossary.terms import Term, all_terms

MIN_LIKENESS = 85.0
"""Smallest similarity of 100 that counts as a match. With less, "data panel" would match "data channel"."""

MIN_FUZZY_LENGTH = 6
"""Smallest length, in letters, for fuzzy matches. Shorter words resemble too many others."""

_FRAMES = re.compile(
    r"^(?:(?:please|so|okay|ok|well|and|hey|hi|hello|now|um|uh|then|but) )*"
    r"(?:(?:can|could|would|will) you )?(?:please )?"
    r"(?:i (?:would like|want|d like) to (?:know|learn|hear) )?(?:do you know )?"
    r"(?:"
    r"what (?:is|are|was|does|do|s)|what s|whats|who is|who s|how (?:does|do|is|are)|why (?:do|does|is|are)|"
    r"when (?:do|does|is)|"
    r"explain(?: to me)?|define|describe|teach me|tell (?:me|us)(?: more| something)?(?: about)?|about|"
    r"what about|how about|the meaning of|(?:we|i) need"
    r")?\s*"
    r"(?:(?:what|how|about|we|you|i|need|use|is|are|a|an|the|of|meant by|meaning of|this|that|term|word|called) )*"
)
_ENDINGS = re.compile(
    r"(?: (?:is|are|do|does|did|work|works|stand|stands|for|mean|means|exactly|please|good|used|needed|again|"
    r"in|web ?rtc|here|to me|then|in short|server|protocol|thing|about|called|useful))*$"
)
_COMPARISON = re.compile(r"\b(?:difference|differences|differ|compare|compared|versus|vs|different|better)\b")


def plain(text: str) -> str:
    """Return `text` in plain form: lower case, without punctuation, with spelled-out letters joined.

    Examples
    --------
    >>> plain("What is D.T.L.S.?")
    'what is dtls'
    """
    words = re.sub(r"[^a-z0-9]+", " ", text.casefold().replace("'", " ")).split()
    joined: list[str] = []
    was_letter = False
    for word in words:
        # "a" and "i" are words; after another letter they belong to a spelled name ("o f a").
        is_letter = len(word) == 1
        if is_letter and was_letter and joined:
            joined[-1] += word
        else:
            joined.append(word)
        was_letter = is_letter
    return " ".join(joined)


def find(text: str) -> tuple[Term, ...]:
    """Return the terms that `text` asks about, in their order in the text.

    Examples
    --------
    >>> [term.name for term in find("What's a gitter buffer?")]
    ['jitter buffer']
    >>> [term.name for term in find("What is the difference between STUN and TURN?")]
    ['STUN', 'TURN']
    >>> find("Whose turn is it to buy ice cream?")
    ()
    """
    question = plain(text)
    compared = tuple(dict.fromkeys(_compared(question))) if _COMPARISON.search(question) else ()
    if compared:
        return compared
    term = _asked(question) or _named(question)
    return (term,) if term else ()


def _asked(question: str, *, is_asked: bool = False) -> Term | None:
    """Return the term of a question without its frame: "what does dtls stand for" is about "dtls"."""
    rest = _FRAMES.sub("", question + " ", count=1).strip()
    shorter = _ENDINGS.sub("", f" {rest}").strip()
    return _whole(rest, is_asked=is_asked or rest != question) or _whole(
        shorter, is_asked=is_asked or shorter != question
    )


def _whole(topic: str, *, is_asked: bool) -> Term | None:
    """Return the term whose name is the whole `topic`. An ordinary word alone ("Done.") is not a question."""
    for term in all_terms():
        if topic == plain(term.name) or topic in map(plain, term.aliases) or (is_asked and topic in term.ordinary):
            return term
    return None


def _named(question: str) -> Term | None:
    """Return the term that `question` names anywhere; of several, the one with the longest name."""
    best: Term | None = None
    # An exact match takes precedence over a fuzzy match of any length.
    best_score = (False, 0.0)
    for term in all_terms():
        for alias in _unmistakable(term):
            likeness = _likeness(alias, question)
            score = (likeness == 100.0, likeness * len(alias))
            if likeness and score > best_score:
                best, best_score = term, score
    return best


def _compared(question: str) -> Iterable[Term]:
    about = re.sub(r".*\b(?:between|compare|differ|is|are|does)\b", "", question, count=1)
    for part in re.split(r"\b(?:and|versus|vs|or|than|with|from|to)\b", about):
        term = _asked(part.strip(), is_asked=True) or _named(part)
        if term is not None:
            yield term


def _unmistakable(term: Term) -> tuple[str, ...]:
    return tuple(alias for alias in map(plain, (term.name, *term.aliases)) if alias not in term.ordinary)


def _likeness(alias: str, question: str) -> float:
    """Return the similarity of `alias` to the most similar words of `question`, or 0 if it is below `MIN_LIKENESS`."""
    if f" {alias} " in f" {question} ":
        return 100.0
    if len(alias) < MIN_FUZZY_LENGTH:
        return 0.0
    length = len(alias.split())
    # One word more or less: recognizers split and join words.
    windows = (window for size in {max(1, length - 1), length, length + 1} for window in _windows(question, size))
    best = process.extractOne(alias, windows, scorer=fuzz.ratio, score_cutoff=MIN_LIKENESS)
    return best[1] if best is not None else 0.0


@lru_cache(maxsize=16)
def _windows(question: str, size: int) -> tuple[str, ...]:
    """Return each run of `size` words of `question` once."""
    words = question.split()
    return tuple(dict.fromkeys(" ".join(words[at : at + size]) for at in range(len(words) - size + 1)))


all_terms()  # read the file at import: the first question comes on the event loop
