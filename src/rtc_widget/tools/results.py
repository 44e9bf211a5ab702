"""What a tool has returned, as text for a model: JSON without surprises, and never more than the channel carries."""

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


_DEEPEST = 20
_LONGEST_BYTES = 600
_LONGEST_BITS = 2_000
_ENTRY_CHARACTERS = 3
"""What an entry of a list or an object takes at least."""
_READ_SECONDS = 2.0
"""How long iterators are read: what they make may never end."""


class JsonReader:
    """Reads a value as JSON, and stops where a text of so many characters must be full.

    Parameters
    ----------
    most : int
        How many characters there is room for.

    Attributes
    ----------
    is_cut : bool
        Whether there was more than has been read.

    Examples
    --------
    >>> JsonReader(1000).read({"at": dt.date(2026, 11, 22), 2: (1, float("nan"))})
    {'at': '2026-11-22', '2': [1, None]}
    """

    def __init__(self, most: int) -> None:
        self.is_cut = False
        self._most = most
        self._room = most
        self._until = math.inf

    def read(self, value: object, depth: int = 0) -> Any:
        """Return a value as what JSON can hold; what it cannot is described in words."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else None
        if type(value) is int:
            return value if value.bit_length() <= _LONGEST_BITS else f"(a number of {value.bit_length()} bits)"
        if type(value) is str:
            return self._text(value)
        if depth > _DEEPEST:
            return "…"
        for known in (_of_the_standard_library, self._of_the_data_packages, _of_pydantic):
            found, plain = known(value)
            if found:
                return self.read(plain, depth + 1)
        if isinstance(value, Mapping):
            return self._object(value, depth)
        if isinstance(value, (Sequence, Set)) or hasattr(value, "__next__"):
            return self._list(value, depth)  # type: ignore[arg-type]
        words = str(value)
        return self._text(words if len(words) <= _LONGEST_BYTES else words[:_LONGEST_BYTES] + "…")

    def _text(self, text: str) -> str:
        longest = self._most // 2
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

    def _of_the_data_packages(self, value: object) -> tuple[bool, Any]:
        return of_the_data_packages(value, self._most)

    def _entries(self, value: Iterable[Any]) -> Iterator[Any]:
        for entry in value:
            if self._room <= 0:
                self.is_cut = True
                return
            self._room -= _ENTRY_CHARACTERS
            yield entry

    def _key(self, key: object) -> str:
        plain = self.read(key)
        if isinstance(plain, str):
            return plain
        return json.dumps(plain) if not isinstance(plain, (list, dict)) else str(key)


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
            if len(value) > _LONGEST_BYTES:
                return True, f"({memoryview(value).nbytes} bytes)"
            return True, base64.b64encode(bytes(value)).decode()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return True, {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if hasattr(value, "_asdict"):
        return True, value._asdict()
    return False, None


def _of_pydantic(value: Any) -> tuple[bool, Any]:
    dump = getattr(value, "model_dump", None)
    return (True, dump()) if callable(dump) and not isinstance(value, type) else (False, None)


_MOST_NUMBERS = 200
_FIRST = 20


def of_the_data_packages(value: Any, most: int) -> tuple[bool, Any]:
    """Return whether it is a value of numpy, pandas, Pillow or matplotlib, and in simpler terms what it says.

    Parameters
    ----------
    value : object
        Anything.
    most : int
        How many characters there is room for: no more rows and numbers are taken than could fit.
    """
    if (np := sys.modules.get("numpy")) is not None:
        if isinstance(value, np.generic):
            if value.dtype.kind in "mM":
                return True, None if np.isnat(value) else str(value)
            return True, value.item()
        if isinstance(value, np.ndarray):
            return True, _array(value, np, most)
    if (pd := sys.modules.get("pandas")) is not None:
        if value is pd.NaT or value is pd.NA:
            return True, None
        if isinstance(value, pd.DataFrame):
            return True, _table(value, pd, most)
        if isinstance(value, pd.Series):
            named = value.rename(value.name if value.name is not None else "value")
            return True, _table(named.to_frame(), pd, most)
        if isinstance(value, pd.Index):
            return True, list(value[:most])
    if (pil := sys.modules.get("PIL.Image")) is not None and isinstance(value, pil.Image):
        return True, f"(an image of {value.width} × {value.height} pixels; it can be shown with chat.send_image)"
    if (figure := sys.modules.get("matplotlib.figure")) is not None and isinstance(value, figure.Figure):
        return True, "(a figure; it can be shown with chat.send_image)"
    return False, None


def _array(array: Any, np: Any, most: int) -> Any:
    is_number = array.dtype.kind in "iufb"
    # Times would come out of `tolist` as numbers.
    is_time = array.dtype.kind in "mM"
    if array.size <= (_MOST_NUMBERS if is_number else most):
        return list(array) if is_time and array.ndim else array.tolist()
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    names = ("min", "max", "mean", "std") if is_number and finite.size else ()
    measures = {name: getattr(finite, name)() for name in names}
    first = array.ravel()[:_FIRST]
    return {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        **measures,
        "first": list(first) if is_time else first.tolist(),
        "note": f"cut: {'the measures and ' if measures else ''}the first {_FIRST} of {array.size} "
        f"{'numbers' if is_number else 'entries'}",
    }


def _table(table: Any, pd: Any, most: int) -> dict[str, Any]:
    """A table as rows; its index comes along where it is more than a running number."""
    is_numbered = table.index.names == [None] and table.index.equals(pd.RangeIndex(len(table)))
    shown = table.iloc[:, : most // 5]  # each takes as much at least, with its name
    shown = shown.head(max(1, most // (3 * max(1, shown.shape[1]))))
    shown = shown if is_numbered else _with_its_index(shown)
    rows = [dict(zip(map(str, shown.columns), row, strict=True)) for row in shown.itertuples(index=False, name=None)]
    # The count comes first: there may be no room behind the rows.
    return {"row_count": len(table), "rows": rows}


def _with_its_index(table: Any) -> Any:
    """The index as columns in front, by names that no column has."""
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
