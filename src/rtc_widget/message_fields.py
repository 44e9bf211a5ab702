"""The fields of a message, read strictly: what is not as it must be is said so.

All of it raises `MalformedMessage`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast


class MalformedMessage(ValueError):
    """The page sent something that this protocol does not know."""


def mapping(value: object, what: str) -> Mapping[str, Any]:
    """Return an object; `what` names it in errors."""
    if not isinstance(value, Mapping):
        raise MalformedMessage(f"{what} must be an object, not {type(value).__name__}")
    return value


def entries(message: Mapping[str, Any], key: str) -> Sequence[object]:
    """Return a list."""
    value = message.get(key)
    if not isinstance(value, list):
        raise MalformedMessage(f"{key} must be a list")
    return value


def text(message: Mapping[str, Any], key: str) -> str:
    """Return a string."""
    value = message.get(key)
    if not isinstance(value, str):
        raise MalformedMessage(f"{key} must be a string")
    return value


def optional_text(message: Mapping[str, Any], key: str) -> str | None:
    """Return a string, or None where there is none."""
    return None if message.get(key) is None else text(message, key)


def whole(message: Mapping[str, Any], key: str) -> int:
    """Return a whole number from zero on."""
    value = message.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise MalformedMessage(f"{key} must be a whole number")
    return value


def number(message: Mapping[str, Any], key: str) -> float:
    """Return a finite number."""
    value = message.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise MalformedMessage(f"{key} must be a number")
    return float(value)


def truth(message: Mapping[str, Any], key: str) -> bool:
    """Return true or false."""
    value = message.get(key)
    if not isinstance(value, bool):
        raise MalformedMessage(f"{key} must be true or false")
    return value


def one_of(message: Mapping[str, Any], key: str, values: Sequence[str]) -> str:
    """Return one of these strings."""
    value = message.get(key)
    if value not in values:
        raise MalformedMessage(f"{key} must be one of {', '.join(values)}; it is {value!r}")
    return cast("str", value)
