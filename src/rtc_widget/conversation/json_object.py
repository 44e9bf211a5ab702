"""A JSON object as an immutable Python object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class JsonObject(Mapping[str, Any]):
    """A read-only JSON object with its fields as items and as attributes, to any depth.

    Examples
    --------
    >>> JsonObject({"usage": {"total_tokens": 7}}).usage.total_tokens
    7
    """

    __slots__ = ("_raw",)
    _raw: dict[str, Any]

    def __init__(self, raw: dict[str, Any]) -> None:
        object.__setattr__(self, "_raw", raw)

    @property
    def raw(self) -> dict[str, Any]:
        """A copy of the JSON object."""
        return copied(self._raw)

    def __getitem__(self, key: str) -> Any:
        return _open(self._raw[key])

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            present = ", ".join(self._raw) or "none"
            raise AttributeError(f"No field {name!r}. Fields: {present}.") from None

    def __eq__(self, other: object) -> bool:
        # The raw objects are compared: as attributes, lists become tuples.
        if isinstance(other, JsonObject):
            return self._raw == other._raw
        return self._raw == dict(other) if isinstance(other, Mapping) else NotImplemented

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(self._read_only_reason(name))

    def __delattr__(self, name: str) -> None:
        raise AttributeError(self._read_only_reason(name))

    def _read_only_reason(self, name: str) -> str:
        """Return why a field is read-only, and what to do instead."""
        return f"{name!r} is read-only: an event is a record. Use `.raw` for a copy that you can change."

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(key for key in self._raw if key.isidentifier())]

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._raw)

    def __repr__(self) -> str:
        return repr(self._raw)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self._raw,))


def fields_of(value: JsonObject) -> dict[str, Any]:
    """Return the fields of an object without a copy; they must not be changed (see `JsonObject.raw`)."""
    return value._raw


def copied(raw: dict[str, Any]) -> dict[str, Any]:
    """Return a deep copy."""
    # Not `deepcopy`: it recurses, and the JSON parser allows deeper nesting than Python's recursion limit.
    twin: dict[str, Any] = {}
    todo: list[tuple[Any, Any]] = [(raw, twin)]
    while todo:
        source, target = todo.pop()
        for key, value in source.items() if isinstance(source, dict) else enumerate(source):
            if isinstance(value, dict | list):
                target[key] = {} if isinstance(value, dict) else [None] * len(value)
                todo.append((value, target[key]))
            else:
                target[key] = value
    return twin


def _open(value: Any) -> Any:
    if isinstance(value, dict):
        return JsonObject(value)
    if isinstance(value, list):
        return tuple(_open(entry) for entry in value)
    return value
