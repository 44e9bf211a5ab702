"""What a tool has returned, as text for a model: JSON without surprises, and never more than the channel carries."""

from __future__ import annotations

import json
from collections.abc import Sized
from typing import Any

from rtc_widget.json_values import JsonReader

MOST_BYTES = 24_000
"""Of one result; a model reads, and is paid for, every word of it again with each answer."""


def result_text(value: object, most: int = MOST_BYTES) -> str:
    """Return a tool's result as the text that the model is told.

    Text stays as it is, everything else becomes JSON: tables as a list of rows, arrays as lists or as their measures,
    dataclasses and pydantic models as objects, times in ISO 8601, what is no number (NaN, infinity) as null. What is
    too long is cut, and says so; what an iterator makes, which may never end, is read for two seconds at most.

    Parameters
    ----------
    value : object
        What the function returned.
    most : int
        How many bytes the text may have on the channel.

    Examples
    --------
    >>> import datetime as dt
    >>> result_text({"at": dt.date(2026, 11, 22), "level": float("nan")})
    '{"at": "2026-11-22", "level": null}'
    """
    if isinstance(value, str):
        return value if _fits(value, most) else _cut_text(value, most, total=len(value))
    reader = JsonReader(most)
    plain = reader.read(value)
    text = _encoded(plain)
    if _fits(text, most):
        return text
    if isinstance(plain, list):
        return _cut_list(plain, _count(value, plain, reader), {}, "items", most)
    if isinstance(plain, dict) and isinstance(plain.get("rows"), list):
        rest = {key: inner for key, inner in plain.items() if key != "rows"}
        return _cut_list(plain["rows"], rest.get("row_count"), rest, "rows", most)
    return _cut_text(text, most, total=None if reader.is_cut else len(text))


def _encoded(plain: Any) -> str:
    return json.dumps(plain, ensure_ascii=False, allow_nan=False)


def _fits(text: str, most: int) -> bool:
    # As it travels: a string inside an event, its quotes and line ends escaped once more.
    return len(text) <= most and len(json.dumps(text, ensure_ascii=False).encode()) <= most


def _count(value: object, plain: list[Any], reader: JsonReader) -> int | None:
    """Return how many entries there are; None if nobody knows."""
    if isinstance(value, Sized):
        return len(value)
    return None if reader.is_cut else len(plain)


def _cut_list(entries: list[Any], total: object, rest: dict[str, Any], name: str, most: int) -> str:
    """Keep as many of the first entries as fit, and say how many there are."""

    def text(count: int) -> str:
        note = f"cut: the first {count} of {total}" if total is not None else f"cut: the first {count}; there are more"
        return _encoded({**rest, name: entries[:count], "note": note})

    fits, too_many = 0, len(entries) + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if _fits(text(middle), most) else (fits, middle)
    return text(fits) if fits else _cut_text(_encoded(entries), most)


def _cut_text(text: str, most: int, total: int | None = None) -> str:
    note = "… (cut: the first {} characters)" if total is None else f"… (cut: the first {{}} of {total} characters)"
    kept = text[:most]
    while not _fits(kept + note, most):
        kept = kept[: int(len(kept) * 0.9)]
    return kept + note.format(len(kept))
