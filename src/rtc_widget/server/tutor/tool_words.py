"""The words of a sentence that can identify a tool: all but common words."""

from __future__ import annotations

import re

_ORDINARY_WORDS = """
    a an the of in on at to for from by with and or is are be do does it its this that get gets give gives set sets
    find fetch show tell return returns run runs call calls use uses make makes me my your you what which who how
    when where please can could would will today now current currently function tool value name given
"""
ORDINARY = frozenset(_ORDINARY_WORDS.split())


def words_of(text: str) -> set[str]:
    """Return the words of `text` without common words, in the singular.

    Examples
    --------
    >>> sorted(words_of("What is the weather in Rome?"))
    ['rome', 'weather']
    """
    found = re.findall(r"[a-z0-9]+", text.casefold())
    return {_stem(word) for word in found if word not in ORDINARY}


def words_of_name(name: str) -> str:
    """Return the name of a function or an argument as words: ``get_weather``, ``getWeather`` → "get weather"."""
    return re.sub(r"([a-z])([A-Z])", r"\1 \2", name).replace("_", " ").replace("-", " ").replace(".", " ")


def _stem(word: str) -> str:
    if re.fullmatch(r".+(?:ch|sh|x|ss)es", word):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
