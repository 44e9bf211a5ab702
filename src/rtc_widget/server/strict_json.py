"""JSON from clients, with the errors that the Realtime API sends for invalid JSON."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from rtc_widget.server.errors import ApiError


def parse_json(text: str | bytes, subject: str, *, param: str | None = None) -> Any:
    """Return the value of the JSON `text`.

    Parameters
    ----------
    text : str or bytes
        A JSON document (RFC 8259).
    subject : str
        The subject of the error message, such as ``"The body"``.
    param : str, optional
        The path of the invalid parameter.

    Raises
    ------
    ApiError
        When `text` is not valid JSON. NaN and Infinity are not valid: most JSON parsers of clients reject them.
    """
    try:
        return json.loads(text, parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise ApiError(f"{subject} is not valid JSON: {error}.", "invalid_json", param=param) from None


def _reject_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")
