"""What an appended text asks the voice to do. The server has no language model of its own, so it looks for phrases."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_EXACTLY = re.compile(
    r"\b(?:say|speak|read|repeat)\b[^:\"“]{0,60}?\b(?:exactly|verbatim|word for word|aloud)\b[^:\"“]{0,60}?"
    r"(?:[:,]\s*|\s+(?=[\"“]))(?P<words>.+)",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = re.compile(r"[\"“](?P<words>[^\"”]+)[\"”]")
_STOP = re.compile(r"\bstop (?:speaking|talking)\b|\bbe (?:quiet|silent)\b|\bstay silent\b", re.IGNORECASE)
_GREET = re.compile(
    r"\bgreet\b|\bsay hello\b|\bintroduce yourself\b|\bwelcome the\b|\bbegin the conversation\b", re.IGNORECASE
)
_TYPED = re.compile(
    r"\b(?:user|caller|person) (?:has )?(?:typed|wrote|written|asks|asked)\b[^:\"“]{0,60}(?::\s*|(?=[\"“]))",
    re.IGNORECASE,
)
_REPLY = re.compile(r"\breply\b.{0,40}\btyped\b", re.IGNORECASE | re.DOTALL)
_BACKEND = re.compile(r"\bback-?end\b|\bdelegat(?:e|es|ed|ing|ion)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SpokenRequest:
    """What a text asks for.

    Attributes
    ----------
    kind : {"say", "stop", "greet", "respond", "none"}
        To say `words`, to stop, to greet, to respond to the typed text `words`, or nothing at once.
    words : str
        The words; empty for the text that was typed last.
    """

    kind: Literal["say", "stop", "greet", "respond", "none"]
    words: str = ""


def instruction_request(content: str) -> SpokenRequest:
    """Return what the developer's word `content` asks for.

    Examples
    --------
    >>> instruction_request('Say exactly: "Ready."').words
    'Ready.'
    >>> instruction_request("Stop speaking now and listen.").kind
    'stop'
    """
    exact = exact_words(content)
    if exact:
        return SpokenRequest("say", exact)
    if _STOP.search(content):
        return SpokenRequest("stop")
    if _GREET.search(content):
        return SpokenRequest("greet")
    return SpokenRequest("none")


def commentary_request(content: str) -> SpokenRequest:
    """Return what the commentary `content` asks for: to respond to a typed text, or to say it.

    Examples
    --------
    >>> commentary_request('The user typed: "What is ICE?" Reply to it now.')
    SpokenRequest(kind='respond', words='What is ICE?')
    """
    exact = exact_words(content)
    if exact:
        return SpokenRequest("say", exact)
    words = typed_words(content)
    return SpokenRequest("respond", words) if words or _REPLY.search(content) else SpokenRequest("say", content.strip())


def typed_words(content: str) -> str:
    """Return what the user typed, if `content` tells it, or an empty string.

    Examples
    --------
    >>> typed_words("The user typed: What is ICE?"), typed_words("Reply now to what the user typed last.")
    ('What is ICE?', '')
    """
    typed = _TYPED.search(content)
    if typed is None:
        return ""
    rest = content[typed.end() :]
    quoted = _QUOTED.match(rest)
    return (quoted["words"] if quoted else rest).strip()


def exact_words(content: str) -> str:
    """Return the words that `content` wants to be said exactly, or an empty string."""
    found = _EXACTLY.search(content)
    if found is None:
        return ""
    quoted = _QUOTED.search(found["words"])
    return (quoted["words"] if quoted else found["words"]).strip()


def speaks_of_backend(instructions: str) -> bool:
    """Whether `instructions` tell the voice that work goes to a backend."""
    return _BACKEND.search(instructions) is not None
