"""Python values as what JSON can hold, and no more of them than a text has room for."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import enum
import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID

from rtc_widget.data_values import of_the_data_packages

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
