"""Text that is legal in JSON and not in UTF-8: lone surrogates (RFC 8259, section 8.2)."""

from __future__ import annotations

from typing import Any


def well_formed(text: str) -> str:
    r"""Return a text that has a UTF-8 form: surrogate pairs are joined, lone surrogates become U+FFFD.

    A stream may cut an emoji in two, and ``surrogateescape`` puts surrogates into file names.

    Examples
    --------
    >>> well_formed("caf\udce9") == "caf\ufffd"
    True
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def well_formed_json(value: Any) -> Any:
    """Return a JSON value with all of its texts well formed, names of fields included."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, list):
        return [well_formed_json(entry) for entry in value]
    if isinstance(value, dict):
        return {well_formed(name): well_formed_json(entry) for name, entry in value.items()}
    return value
