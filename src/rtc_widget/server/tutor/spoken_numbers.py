"""Numbers in spoken text: in digits, in words, or both."""

from __future__ import annotations

import re

_UNITS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: number for number, word in enumerate(_UNITS.split())} | {
    word: 10 * number for number, word in enumerate(_TENS.split(), 2)
}
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_WORDS = "|".join(sorted([*_SMALL, *_SCALES], key=len, reverse=True))
_SPELLED = re.compile(
    rf"\b(?:(?:minus|negative) )?(?:{_WORDS})(?:(?:[ -]|(?<=hundred) and |(?<=thousand) and )(?:{_WORDS}))*"
    rf"(?: point(?: (?:{_WORDS}))+)?\b",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"(?<![\w.])-?\d+(?:,\d{3})*(?:\.\d+)?")


def with_digits(text: str) -> str:
    """Return `text` with its numbers written in digits.

    Examples
    --------
    >>> with_digits("Add twenty-one and minus three point five.")
    'Add 21 and -3.5.'
    >>> with_digits("One hundred and five degrees, 1,250 rows")
    '105 degrees, 1250 rows'
    """
    spelled = _SPELLED.sub(lambda found: _number(found[0].casefold()), text)
    spelled = re.sub(r"\b(?:minus|negative) (?=\d)", "-", spelled, flags=re.IGNORECASE)
    return _DIGITS.sub(lambda found: found[0].replace(",", ""), spelled)


def numbers_in(text: str) -> list[float]:
    """Return the numbers in the result of `with_digits`; whole numbers as int."""
    return [float(found) if "." in found else int(found) for found in _DIGITS.findall(text)]


def _number(words: str) -> str:
    sign = "-" if words.startswith(("minus ", "negative ")) else ""
    whole, _, fraction = words.removeprefix("minus ").removeprefix("negative ").partition(" point ")
    parts = [_whole(part) for part in _one_by_one(re.split(r"[ -]", whole.replace(" and ", " ")))]
    decimals = "".join(str(_SMALL.get(word, "")) for word in fraction.split())
    return sign + " ".join(map(str, parts)) + (f".{decimals}" if decimals else "")


def _one_by_one(words: list[str]) -> list[list[str]]:
    """Return `words` grouped by number: "three four" are two numbers, "twenty four" is one."""
    numbers: list[list[str]] = []
    for word in words:
        before = numbers[-1][-1] if numbers else None
        joins = before is not None and (
            word in _SCALES or before in _SCALES or (_SMALL[before] >= 20 and 0 < _SMALL[word] < 10)
        )
        if joins:
            numbers[-1].append(word)
        else:
            numbers.append([word])
    return numbers


def _whole(words: list[str]) -> int:
    total = current = 0
    for word in words:
        if word == "hundred":
            current = max(1, current) * 100
        elif word in _SCALES:
            total, current = total + max(1, current) * _SCALES[word], 0
        else:
            current += _SMALL[word]
    return total + current
