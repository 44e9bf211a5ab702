"""What a tool gave back, as a person would say it."""

from __future__ import annotations

import itertools
import json
from typing import Any

_MAX_ENTRIES = 12
_MAX_CHARACTERS = 800
"""About a minute of speech; a result may be a table."""


def spoken_result(output: str) -> str:
    """Return what a tool gave back as a person would say it; of what is long, the beginning.

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
        value = f"that did not work: {_said(error.get('message', error) if isinstance(error, dict) else error)}"
    said = _said(value).strip()
    if not said:
        return "Done."
    if len(said) > _MAX_CHARACTERS:
        said = f"{said[:_MAX_CHARACTERS].rpartition(' ')[0] or said[:_MAX_CHARACTERS]} and so on"
    return said[0].upper() + said[1:] + ("" if said[-1] in ".!?" else ".")


def _said(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case None:
            return ""
        case dict():
            first = itertools.islice(value.items(), _MAX_ENTRIES)
            said = [f"{str(key).replace('_', ' ')} is {_said(inner) or 'nothing'}" for key, inner in first]
            return _joined(said, more=len(value) - len(said))
        case list():
            return _joined([_said(inner) for inner in value[:_MAX_ENTRIES]], more=len(value) - _MAX_ENTRIES)
        case float():
            return f"{value:g}"
    return str(value)


def _joined(parts: list[str], more: int = 0) -> str:
    parts = [*parts, f"{more} more"] if more > 0 else parts
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + f", and {parts[-1]}" if parts else ""
