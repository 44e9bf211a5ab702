"""Tool results as spoken text."""

from __future__ import annotations

import itertools
import json
from typing import Any

_MAX_ENTRIES = 12
_MAX_CHARACTERS = 800
"""Longest spoken result, about a minute of speech. A result may be a table."""


def spoken_result(output: str) -> str:
    """Return the result of a tool as spoken text; of a long result only the beginning.

    Examples
    --------
    >>> spoken_result('{"temperature_c": 21, "sky": "sunny"}')
    'Temperature c is 21, and sky is sunny.'
    >>> spoken_result('{"error": "no such city"}')
    'That did not work: no such city.'
    >>> spoken_result(str(list(range(1, 1001))))
    '1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, and 988 more.'
    """
    try:
        value = json.loads(output)
    except ValueError:
        value = output
    if isinstance(value, dict) and value.keys() == {"error"} and value["error"]:
        error = value["error"]
        value = f"that did not work: {_spoken(error.get('message', error) if isinstance(error, dict) else error)}"
    spoken = _spoken(value).strip()
    if not spoken:
        return "Done."
    if len(spoken) > _MAX_CHARACTERS:
        spoken = f"{spoken[:_MAX_CHARACTERS].rpartition(' ')[0] or spoken[:_MAX_CHARACTERS]} and so on"
    return spoken[0].upper() + spoken[1:] + ("" if spoken[-1] in ".!?" else ".")


def _spoken(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case None:
            return ""
        case dict():
            first = itertools.islice(value.items(), _MAX_ENTRIES)
            spoken = [f"{str(key).replace('_', ' ')} is {_spoken(inner) or 'nothing'}" for key, inner in first]
            return _joined(spoken, more=len(value) - len(spoken))
        case list():
            return _joined([_spoken(inner) for inner in value[:_MAX_ENTRIES]], more=len(value) - _MAX_ENTRIES)
        case float():
            return f"{value:g}"
    return str(value)


def _joined(parts: list[str], more: int = 0) -> str:
    parts = [*parts, f"{more} more"] if more > 0 else parts
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + f", and {parts[-1]}" if parts else ""
