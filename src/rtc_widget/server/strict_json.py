"""JSON from clients, with the errors that the Realtime API sends for invalid JSON."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from rtc_widget.server.errors import ApiError

MAX_DEPTH = 100
"""Deepest nesting of objects and arrays. Encoders have limits too, so a value must not be kept that cannot be sent."""


def parse_json(text: str | bytes, subject: str, *, param: str | None = None, is_deep_allowed: bool = False) -> Any:
    """Return the value of the JSON `text`.

    Parameters
    ----------
    text : str or bytes
        A JSON document (RFC 8259).
    subject : str
        The subject of the error message, such as ``"The body"``.
    param : str, optional
        The path of the invalid parameter.
    is_deep_allowed : bool
        Whether the value may be nested deeper than `MAX_DEPTH`; for a caller that checks it with `require_depth`.

    Raises
    ------
    ApiError
        When `text` is not valid JSON, or is nested deeper than `MAX_DEPTH`. NaN, Infinity and numbers that become
        Infinity are not valid: most JSON parsers of clients reject them.
    """
    try:
        value = json.loads(text, parse_constant=_reject_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ApiError(f"{subject} is not valid JSON: {error}.", "invalid_json", param=param) from None
    if not is_deep_allowed:
        require_depth(value, subject, param=param)
    return value


def require_depth(value: Any, subject: str, *, param: str | None = None) -> None:
    """Raise `ApiError` if `value` is nested deeper than `MAX_DEPTH`."""
    if _is_deeper(value, MAX_DEPTH):
        message = f"{subject} must not be nested deeper than {MAX_DEPTH} levels."
        raise ApiError(message, "invalid_value", param=param)


def _is_deeper(value: Any, depth: int) -> bool:
    # Level by level, because recursion has a limit of its own.
    level = [value]
    for _ in range(depth + 1):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not level:
            return False
    return True


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number[:40]} is too large")
    return value


def _reject_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")
