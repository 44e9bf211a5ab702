"""Numbers out of JSON from outside."""

from __future__ import annotations


def number_or(value: object, default: float) -> float:
    """Return a JSON number, or the default for anything else and for integers beyond a float."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return default
    try:
        float(value)
    except OverflowError:
        return default
    return value
