"""What a tool gave back, as a person would say it."""

from __future__ import annotations

import json
from typing import Any


def spoken_result(output: str) -> str:
    """Return what a tool gave back as a person would say it.

    Examples
    --------
    >>> spoken_result('{"temperature_c": 21, "sky": "sunny"}')
    'Temperature c is 21, and sky is sunny.'
    >>> spoken_result('{"error": "no such city"}')
    'That did not work: no such city.'
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
    return said[0].upper() + said[1:] + ("" if said[-1] in ".!?" else ".")


def _said(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case None:
            return ""
        case dict():
            return _joined(
                [f"{str(key).replace('_', ' ')} is {_said(inner) or 'nothing'}" for key, inner in value.items()]
            )
        case list():
            return _joined([_said(inner) for inner in value])
        case float():
            return f"{value:g}"
    return str(value)


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + f", and {parts[-1]}" if parts else ""
