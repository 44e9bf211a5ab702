"""Numbers of events, which servers may leave out or write as something else."""

from __future__ import annotations


def milliseconds(value: object) -> float | None:
    """Return a time on the session clock in milliseconds; None if the value is not a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value
