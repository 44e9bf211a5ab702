"""What a tool has returned, as text for a model: JSON without surprises, and never more than the channel carries."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import enum
import json
import math
import sys
from collections.abc import Mapping, Sequence, Set
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID

MOST_BYTES = 24_000
"""Of one result; a model reads, and is paid for, every word of it again with each answer."""
_MOST_ELEMENTS = 200
_DEEPEST = 20
_LONGEST_BYTES = 600


def result_text(value: object, most: int = MOST_BYTES) -> str:
    """Return a tool's result as the text that the model is told.

    Text stays as it is, everything else becomes JSON: tables as a list of rows, arrays as lists or as their measures,
    dataclasses and pydantic models as objects, times in ISO 8601, what is no number (NaN, infinity) as null. What is
    too long is cut, and says so.

    Parameters
    ----------
    value : object
        What the function returned.
    most : int
        How many bytes the text may have on the channel.

    Examples
    --------
    >>> result_text({"at": dt.date(2026, 11, 22), "level": float("nan")})
    '{"at": "2026-11-22", "level": null}'
    """
    if isinstance(value, str):
        return value if _size(value) <= most else _cut_text(value, most)
    plain = as_json(value)
    text = _encoded(plain)
    if _size(text) <= most:
        return text
    if isinstance(plain, list):
        return _cut_list(plain, len(plain), {}, "items", most)
    if isinstance(plain, dict) and isinstance(plain.get("rows"), list):
        rest = {key: inner for key, inner in plain.items() if key != "rows"}
        return _cut_list(plain["rows"], plain.get("row_count", len(plain["rows"])), rest, "rows", most)
    return _cut_text(text, most)


def as_json(value: object, depth: int = 0) -> Any:
    """Return a value as what JSON can hold; what it cannot is described in words."""
    if value is None or (isinstance(value, (bool, int, str)) and type(value) in (bool, int, str)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if depth > _DEEPEST:
        return "…"
    for known in (_of_the_standard_library, _of_the_data_packages, _of_pydantic):
        found, plain = known(value)
        if found:
            return plain if isinstance(plain, str) else as_json(plain, depth + 1)
    if isinstance(value, Mapping):
        return {_key(key): as_json(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, (Sequence, Set)) or hasattr(value, "__next__"):
        return [as_json(inner, depth + 1) for inner in value]  # type: ignore[attr-defined]
    words = str(value)
    return words if len(words) <= _LONGEST_BYTES else words[:_LONGEST_BYTES] + "…"


def _of_the_standard_library(value: Any) -> tuple[bool, Any]:
    match value:
        case enum.Enum():
            return True, value.value
        case str():
            return True, str(value)
        case int():
            return True, int(value)
        case dt.datetime() | dt.date() | dt.time():
            return True, value.isoformat() if value == value else None
        case dt.timedelta():
            return True, value.total_seconds() if value == value else None
        case Decimal() | PurePath() | UUID() | complex() | BaseException():
            return True, str(value)
        case bytes() | bytearray() | memoryview():
            data = bytes(value)
            if len(data) > _LONGEST_BYTES:
                return True, f"({len(data)} bytes)"
            return True, base64.b64encode(data).decode()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return True, {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(value, "_asdict"):
        return True, value._asdict()
    return False, None


def _of_pydantic(value: Any) -> tuple[bool, Any]:
    dump = getattr(value, "model_dump", None)
    return (True, dump()) if callable(dump) and not isinstance(value, type) else (False, None)


def _of_the_data_packages(value: Any) -> tuple[bool, Any]:
    """Tables, arrays and pictures; a package that nobody has imported has made none of them."""
    if (np := sys.modules.get("numpy")) is not None:
        if isinstance(value, np.generic):
            if value.dtype.kind in "mM":
                return True, None if np.isnat(value) else str(value)
            return True, value.item()
        if isinstance(value, np.ndarray):
            return True, _array(value, np)
    if (pd := sys.modules.get("pandas")) is not None:
        if value is pd.NaT or value is pd.NA:
            return True, None
        if isinstance(value, pd.DataFrame):
            return True, _table(value)
        if isinstance(value, pd.Series):
            return True, _table(value.rename(value.name if value.name is not None else "value").to_frame())
        if isinstance(value, pd.Index):
            return True, list(value)
    if (pil := sys.modules.get("PIL.Image")) is not None and isinstance(value, pil.Image):
        return True, f"(an image of {value.width} × {value.height} pixels; it can be shown with chat.send_image)"
    if (figure := sys.modules.get("matplotlib.figure")) is not None and isinstance(value, figure.Figure):
        return True, "(a figure; it can be shown with chat.send_image)"
    return False, None


def _array(array: Any, np: Any) -> Any:
    if array.size <= _MOST_ELEMENTS or array.dtype.kind not in "iufb":
        return array.tolist()
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    measures = {name: getattr(finite, name)() for name in ("min", "max", "mean", "std")} if finite.size else {}
    return {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        **measures,
        "first": array.ravel()[:20].tolist(),
        "note": f"cut: the measures and the first 20 of {array.size} numbers",
    }


def _table(table: Any) -> dict[str, Any]:
    """A table as rows; its index comes along where it is more than a running number."""
    is_numbered = list(table.index[:2]) == list(range(min(2, len(table)))) and table.index.name is None
    # More rows than the text could ever hold need not be looked at.
    shown = table.head(MOST_BYTES // 4)
    shown = shown if is_numbered else shown.reset_index()
    rows = [dict(zip(map(str, shown.columns), row, strict=True)) for row in shown.itertuples(index=False, name=None)]
    return {"rows": rows, "row_count": len(table)}


def _key(key: object) -> str:
    plain = as_json(key)
    return plain if isinstance(plain, str) else json.dumps(plain) if not isinstance(plain, (list, dict)) else str(key)


def _encoded(plain: Any) -> str:
    return json.dumps(plain, ensure_ascii=False, allow_nan=False)


def _size(text: str) -> int:
    # As it travels: a string inside an event, its quotes and line ends escaped once more.
    return len(json.dumps(text, ensure_ascii=False).encode())


def _cut_list(entries: list[Any], total: int, rest: dict[str, Any], name: str, most: int) -> str:
    """Keep as many of the first entries as fit, and say how many there are."""

    def text(count: int) -> str:
        note = f"cut: the first {count} of {total}"
        return _encoded({**rest, name: entries[:count], "note": note})

    fits, too_many = 0, len(entries) + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if _size(text(middle)) <= most else (fits, middle)
    return text(fits) if fits else _cut_text(_encoded(entries), most)


def _cut_text(text: str, most: int) -> str:
    note = f"… (cut: the first {{}} of {len(text)} characters)"
    kept = text[:most]
    while _size(kept + note) > most:
        kept = kept[: int(len(kept) * 0.9)]
    return kept + note.format(len(kept))
