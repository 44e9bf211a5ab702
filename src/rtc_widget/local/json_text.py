"""JSON as it comes from outside (RFC 8259)."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from rtc_widget.local.refusal import Refusal


def json_of(text: str | bytes, what: str, *, param: str | None = None) -> Any:
    """Return what `text` holds; `what` is the subject of the refusal, such as ``"The body"``.

    Raises
    ------
    Refusal
        When it is no JSON. NaN and Infinity are none either: sent back, they would break every other parser.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Refusal(f"{what} is not valid JSON: {error}.", "invalid_json", param=param) from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")
