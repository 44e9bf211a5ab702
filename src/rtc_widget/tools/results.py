"""Converts the result of a tool to text for the model: strict JSON of limited size."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import enum
import json
import math
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set, Sized
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID

from rtc_widget._unicode import well_formed

MAX_BYTES = 24_000
"""The maximum size of one result. The model reads, and the user pays for, all of it again with each response."""


def result_text(value: object, max_bytes: int = MAX_BYTES) -> str:
    """Return the result of a tool as text for the model.

    A string is not changed. Everything else becomes JSON: tables become lists of rows; small arrays become lists, large
    ones their shape and statistics; dataclasses and pydantic models become objects; times are in ISO 8601; NaN and
    infinity become null. A long result is cut, with a note. An iterator, which may be infinite, is read for at most two
    seconds.

    Parameters
    ----------
    value : object
        The value that the function returned.
    max_bytes : int
        The maximum size of the text on the data channel.

    Examples
    --------
    >>> import datetime as dt
    >>> result_text({"at": dt.date(2026, 11, 22), "level": float("nan")})
    '{"at": "2026-11-22", "level": null}'
    """
    if isinstance(value, str):
        value = well_formed(value)
        return value if _fits(value, max_bytes) else _cut_text(value, max_bytes, total=len(value))
    reader = JsonReader(max_bytes)
    plain = reader.read(value)
    text = _encoded(plain)
    if _fits(text, max_bytes):
        return text
    if isinstance(plain, list):
        return _cut_list(plain, _count(value, plain, reader), {}, "items", max_bytes)
    if isinstance(plain, dict) and isinstance(plain.get("rows"), list):
        rest = {key: inner for key, inner in plain.items() if key != "rows"}
        return _cut_list(plain["rows"], rest.get("row_count"), rest, "rows", max_bytes)
    return _cut_text(text, max_bytes, total=None if reader.is_cut else len(text))


def _encoded(plain: Any) -> str:
    return well_formed(json.dumps(plain, ensure_ascii=False, allow_nan=False))


def _fits(text: str, max_bytes: int) -> bool:
    # The text is sent as a string in a JSON event, where quotes and line ends are escaped once more.
    return len(text) <= max_bytes and len(json.dumps(text, ensure_ascii=False).encode()) <= max_bytes


def _count(value: object, plain: list[Any], reader: JsonReader) -> int | None:
    """Return the number of entries; None if it is unknown."""
    if isinstance(value, Sized):
        return len(value)
    return None if reader.is_cut else len(plain)


def _cut_list(entries: list[Any], total: object, rest: dict[str, Any], name: str, max_bytes: int) -> str:
    """Keep as many of the first entries as fit, with a note of the number of all."""

    def text(count: int) -> str:
        note = f"cut: the first {count} of {total}" if total is not None else f"cut: the first {count}; there are more"
        return _encoded({**rest, name: entries[:count], "note": note})

    fits, too_many = 0, len(entries) + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if _fits(text(middle), max_bytes) else (fits, middle)
    return text(fits) if fits else _cut_text(_encoded(entries), max_bytes)


def _cut_text(text: str, max_bytes: int, total: int | None = None) -> str:
    note = "… (cut: the first {} characters)" if total is None else f"… (cut: the first {{}} of {total} characters)"
    kept = text[:max_bytes]
    while not _fits(kept + note, max_bytes):
        kept = kept[: int(len(kept) * 0.9)]
    return kept + note.format(len(kept))


_MAX_DEPTH = 20
_MAX_VALUE_CHARACTERS = 600
_MAX_BITS = 2_000
_MIN_ENTRY_CHARACTERS = 3
"""The minimum size of an entry of a list or an object."""
_READ_SECONDS = 2.0
"""The maximum time to read iterators, which may be infinite."""


class JsonReader:
    """Converts a value to JSON, and stops when the text has reached its maximum size.

    Parameters
    ----------
    max_characters : int
        The maximum size of the text.

    Attributes
    ----------
    is_cut : bool
        Whether a part of the value was left out.

    Examples
    --------
    >>> JsonReader(1000).read({"at": dt.date(2026, 11, 22), 2: (1, float("nan"))})
    {'at': '2026-11-22', '2': [1, None]}
    """

    def __init__(self, max_characters: int) -> None:
        self.is_cut = False
        self._max_characters = max_characters
        self._room = max_characters
        self._until = math.inf

    def read(self, value: object, depth: int = 0) -> Any:
        """Return a value as JSON types; other values become their ``str()``, or a description."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else None
        if type(value) is int:
            return value if value.bit_length() <= _MAX_BITS else f"(a number of {value.bit_length()} bits)"
        if type(value) is str:
            return self._text(value)
        if depth > _MAX_DEPTH:
            return "…"
        for convert in (_from_standard_library, self._from_data_packages, _from_pydantic):
            found, plain = convert(value)
            if found:
                return self.read(plain, depth + 1)
        if isinstance(value, Mapping):
            return self._object(value, depth)
        if isinstance(value, (Sequence, Set)) or hasattr(value, "__next__"):
            return self._list(value, depth)  # type: ignore[arg-type]
        words = str(value)
        return self._text(words if len(words) <= _MAX_VALUE_CHARACTERS else words[:_MAX_VALUE_CHARACTERS] + "…")

    def _text(self, text: str) -> str:
        longest = self._max_characters // 2
        if len(text) > longest:
            self.is_cut = True
            text = f"{text[:longest]}… (cut: the first {longest} of {len(text)} characters)"
        self._room -= len(text)
        return text

    def _object(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        return {self._key(key): self.read(value[key], depth + 1) for key in self._entries(value)}

    def _list(self, value: Iterable[Any], depth: int) -> list[Any]:
        if not hasattr(value, "__next__"):
            return [self.read(entry, depth + 1) for entry in self._entries(value)]
        self._until = min(self._until, time.monotonic() + _READ_SECONDS)
        plain: list[Any] = []
        for entry in self._entries(value):
            if time.monotonic() > self._until:
                self.is_cut = True
                return [*plain, f"… (cut: there is more, but it was read for {_READ_SECONDS:g} s only)"]
            plain.append(self.read(entry, depth + 1))
        return plain

    def _from_data_packages(self, value: object) -> tuple[bool, Any]:
        return _from_data_packages(value, self._max_characters)

    def _entries(self, value: Iterable[Any]) -> Iterator[Any]:
        for entry in value:
            if self._room <= 0:
                self.is_cut = True
                return
            self._room -= _MIN_ENTRY_CHARACTERS
            yield entry

    def _key(self, key: object) -> str:
        plain = self.read(key)
        if isinstance(plain, str):
            return plain
        return json.dumps(plain) if not isinstance(plain, (list, dict)) else str(key)


def _from_standard_library(value: Any) -> tuple[bool, Any]:
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
            if len(value) > _MAX_VALUE_CHARACTERS:
                return True, f"({memoryview(value).nbytes} bytes)"
            return True, base64.b64encode(bytes(value)).decode()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return True, {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(value, "_asdict"):
        return True, value._asdict()
    return False, None


def _from_pydantic(value: Any) -> tuple[bool, Any]:
    dump = getattr(value, "model_dump", None)
    return (True, dump()) if callable(dump) and not isinstance(value, type) else (False, None)


_MAX_NUMBERS = 200
_FIRST = 20


def _from_data_packages(value: Any, max_characters: int) -> tuple[bool, Any]:
    """Return whether a value is of numpy, pandas, Pillow or matplotlib, and the value in simpler types.

    No more rows and numbers are converted than fit into `max_characters`.
    """
    if (np := sys.modules.get("numpy")) is not None:
        if isinstance(value, np.generic):
            if value.dtype.kind in "mM":
                return True, None if np.isnat(value) else str(value)
            return True, value.item()
        if isinstance(value, np.ndarray):
            return True, _array(value, np, max_characters)
    if (pd := sys.modules.get("pandas")) is not None:
        if value is pd.NaT or value is pd.NA:
            return True, None
        if isinstance(value, pd.DataFrame):
            return True, _table(value, pd, max_characters)
        if isinstance(value, pd.Series):
            named = value.rename(value.name if value.name is not None else "value")
            return True, _table(named.to_frame(), pd, max_characters)
        if isinstance(value, pd.Index):
            return True, list(value[:max_characters])
    if (pil := sys.modules.get("PIL.Image")) is not None and isinstance(value, pil.Image):
        return True, f"(an image of {value.width} × {value.height} pixels; it can be shown with chat.send_image)"
    if (figure := sys.modules.get("matplotlib.figure")) is not None and isinstance(value, figure.Figure):
        return True, "(a figure; it can be shown with chat.send_image)"
    return False, None


def _array(array: Any, np: Any, max_characters: int) -> Any:
    is_number = array.dtype.kind in "iufb"
    # `tolist` would convert times to numbers.
    is_time = array.dtype.kind in "mM"
    if array.size <= (_MAX_NUMBERS if is_number else max_characters):
        return list(array) if is_time and array.ndim else array.tolist()
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    names = ("min", "max", "mean", "std") if is_number and finite.size else ()
    statistics = {name: getattr(finite, name)() for name in names}
    first = array.ravel()[:_FIRST]
    return {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        **statistics,
        "first": list(first) if is_time else first.tolist(),
        "note": f"cut: {'statistics and ' if statistics else ''}the first {_FIRST} of {array.size} "
        f"{'numbers' if is_number else 'entries'}",
    }


def _table(table: Any, pd: Any, max_characters: int) -> dict[str, Any]:
    """Return a table as rows, with its index unless that is the number of the row."""
    is_numbered = table.index.names == [None] and table.index.equals(pd.RangeIndex(len(table)))
    shown = table.iloc[:, : max_characters // 5]  # the minimum size of a column with its name
    shown = shown.head(max(1, max_characters // (3 * max(1, shown.shape[1]))))
    shown = shown if is_numbered else _with_index(shown)
    rows = [dict(zip(map(str, shown.columns), row, strict=True)) for row in shown.itertuples(index=False, name=None)]
    # The count comes first, because the text may be cut after the rows.
    return {"row_count": len(table), "rows": rows}


def _with_index(table: Any) -> Any:
    """Return a table with its index as first columns, by unused names."""
    taken = set(map(str, table.columns))
    names = []
    unnamed = ["index"] if table.index.nlevels == 1 else [f"level {place}" for place in range(table.index.nlevels)]
    for name, otherwise in zip(table.index.names, unnamed, strict=True):
        wanted = otherwise if name is None else str(name)
        while wanted in taken:
            wanted += " (index)"
        taken.add(wanted)
        names.append(wanted)
    return table.rename_axis(index=names).reset_index()
