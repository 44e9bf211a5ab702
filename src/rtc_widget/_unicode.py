"""Text that is legal in JSON and not in UTF-8: lone surrogates (RFC 8259, section 8.2)."""

from __future__ import annotations

import json
import math
from typing import Any
from uuid import uuid4


def well_formed(text: str) -> str:
    r"""Return a text that has a UTF-8 form: surrogate pairs are joined, lone surrogates become U+FFFD.

    A stream may cut an emoji in two, and ``surrogateescape`` puts surrogates into file names.

    Examples
    --------
    >>> well_formed("caf\udce9") == "caf\ufffd"
    True
    """
    if is_well_formed(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def is_well_formed(text: str) -> bool:
    """Return whether a text has a UTF-8 form."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def json_text(value: Any, *, indent: int | None = None, overflow: bool = False) -> str:
    r"""Return strict JSON text that has a UTF-8 form; lone surrogates become escapes.

    Parameters
    ----------
    value : object
        The JSON value.
    indent : int, optional
        As in `json.dumps`.
    overflow : bool
        Whether to write infinity as ``1e999``. JSON text may hold such a number, and Python reads it as infinity.

    Raises
    ------
    TypeError, ValueError
        If the value is not JSON, or has a number that is not finite.

    Examples
    --------
    >>> json_text(["é"]), json_text(["\ud83d"])
    ('["é"]', '["\\ud83d"]')
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    except ValueError:
        if not overflow:
            raise
        mark = uuid4().hex
        text = json.dumps(_marked(value, mark), ensure_ascii=False, allow_nan=False, indent=indent)
        text = text.replace(f'"{mark}+"', "1e999").replace(f'"{mark}-"', "-1e999")
    return text if is_well_formed(text) else _escaped(text)


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(one):04x}" if "\ud800" <= one <= "\udfff" else one for one in text)


def _marked(value: Any, mark: str) -> Any:
    """Return a JSON value with marks in place of numbers that are not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else f"{mark}{'+' if value > 0 else '-'}"
    if isinstance(value, (list, tuple)):
        return [_marked(entry, mark) for entry in value]
    return {name: _marked(entry, mark) for name, entry in value.items()} if isinstance(value, dict) else value


def well_formed_json(value: Any) -> Any:
    """Return a JSON value with all of its texts well formed, names of fields included."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, (list, tuple)):
        return [well_formed_json(entry) for entry in value]
    if isinstance(value, dict):
        return {well_formed(name): well_formed_json(entry) for name, entry in value.items()}
    return value
