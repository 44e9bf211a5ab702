"""Decodes a JSON object into a frozen dataclass, by the types of its fields.

=====================  ==========================================
``str``, ``bool``      the same
``int``                an integer, at least 0
``float``              a finite number
``Literal``            one of its strings
``Mapping``            an object
``tuple[X, ...]``      a list of X
``X | None``           X, or null, or no such field
a dataclass            an object with its fields
``Annotated[X, f]``    whatever the `Decoder` ``f`` returns
=====================  ==========================================
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, NoReturn, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
Decoder = Callable[[str, Any], Any]
"""Takes a field's name, for the error, and its JSON value."""


class MalformedMessage(ValueError):
    """A message of the page does not follow the protocol."""


def decode_fields(kind: type[T], message: Mapping[str, Any]) -> T:
    """Return a `kind` made of the fields of a JSON object; other fields are ignored.

    Raises
    ------
    MalformedMessage
        If a field is missing or has a wrong value.
    """
    # mypy asks here whether a T is hashable, not whether the class is.
    decoders = _field_decoders(kind)  # type: ignore[arg-type]
    return kind(**{name: decode(name, message.get(name)) for name, decode in decoders.items()})


def text(name: str, value: Any) -> str:
    """Return a string."""
    return value if isinstance(value, str) else _reject(name, "a string", value)


def integer(name: str, value: Any) -> int:
    """Return an integer that is at least 0."""
    is_valid = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return int(value) if is_valid else _reject(name, "an integer of at least 0", value)


def mapping(name: str, value: Any) -> Mapping[str, Any]:
    """Return an object."""
    return value if isinstance(value, Mapping) else _reject(name, "an object", value)


def _number(name: str, value: Any) -> float:
    # Not `math.isfinite`, which raises for an integer that no float can hold.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_valid = is_number and abs(value) <= sys.float_info.max
    return float(value) if is_valid else _reject(name, "a finite number", value)


def _boolean(name: str, value: Any) -> bool:
    return value if isinstance(value, bool) else _reject(name, "true or false", value)


def _reject(name: str, expected: str, value: object) -> NoReturn:
    got = repr(value) if isinstance(value, int | float | None) else type(value).__name__
    raise MalformedMessage(f"{name} must be {expected}, got {got}")


_DECODERS: Mapping[Any, Decoder] = {str: text, int: integer, float: _number, bool: _boolean}


@cache
def _field_decoders(kind: type) -> Mapping[str, Decoder]:
    return {name: _decoder(hint) for name, hint in get_type_hints(kind, include_extras=True).items()}


def _decoder(hint: Any) -> Decoder:
    origin: Any = get_origin(hint)
    parameters: tuple[Any, ...] = get_args(hint)
    if origin is None:
        return _DECODERS.get(hint) or (lambda name, value: decode_fields(hint, mapping(name, value)))
    if origin is Annotated:
        return cast("Decoder", parameters[1])
    if origin is Literal:
        return lambda name, value: value if value in parameters else _reject_choice(name, parameters, value)
    if origin in (Union, UnionType):
        decode = _decoder(parameters[0])
        return lambda name, value: None if value is None else decode(name, value)
    if origin is tuple:
        decode_entry = _decoder(parameters[0])
        return lambda name, value: tuple(decode_entry(name, entry) for entry in _entries(name, value))
    return mapping


def _entries(name: str, value: Any) -> list[Any]:
    return value if isinstance(value, list) else _reject(name, "a list", value)


def _reject_choice(name: str, choices: tuple[str, ...], value: object) -> NoReturn:
    raise MalformedMessage(f"{name} must be one of {', '.join(choices)}, got {value!r}")
