"""Removes secrets from data before it is written to a file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from rtc_widget._secret_forms import REMOVED, without_keys
from rtc_widget._unicode import json_text

# The endings of the names of fields that hold secrets: `api_key`, `refreshToken`, `X-Auth-Token`.
_SECRET_NAMES = re.compile(r"_key$|apikey$|password$|(?:^|_)(?:token|secret|passwd|authorization|credentials?|cookie)$")
_CAMEL_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_MIN_KEY_CHARACTERS = 6


class Redaction:
    """Removes secrets from JSON values: by the name of their field, by their form, and those that the caller knows.

    Parameters
    ----------
    redact : callable, optional
        Returns a text without the secrets that only the caller knows.
    """

    def __init__(self, redact: Callable[[str], str] = str) -> None:
        self._redact = redact
        self._key = os.environ.get("OPENAI_API_KEY", "").strip()

    def of(self, value: Any) -> Any:
        """Return a JSON value with each secret replaced by ``"[removed]"``.

        Examples
        --------
        >>> Redaction().of({"authorization": "x", "text": "It is sk-12345678."})
        {'authorization': '[removed]', 'text': 'It is [removed].'}
        """
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return {key: self._field(key, entry, value) for key, entry in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(entry) for entry in value]
        return value

    def _text(self, text: str) -> str:
        text = self._redact(text)
        # Replacing a very short value would damage ordinary text.
        text = text.replace(self._key, REMOVED) if len(self._key) >= _MIN_KEY_CHARACTERS else text
        if text.lstrip().startswith("{"):
            text = self._json(text)
        return without_keys(text)

    def _json(self, text: str) -> str:
        """Return a text without secrets if it is a JSON object, such as a tool's arguments; other text unchanged."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return text
        safe = self.of(value)
        return text if safe == value else json_text(safe)

    def _field(self, key: Any, value: Any, fields: Mapping[Any, Any]) -> Any:
        if value in (None, "") or not isinstance(key, str):
            return self.of(value)
        name = _CAMEL_CASE.sub("_", key).casefold().replace("-", "_")
        if name == "headers":
            return _without_values(value)
        # The tokens of log probabilities are words; numbers and booleans are not secrets.
        is_word = name == "token" and "logprob" in fields
        is_secret = _SECRET_NAMES.search(name) and not is_word and not isinstance(value, bool | int | float)
        return REMOVED if is_secret else self.of(value)


def _without_values(headers: Any) -> Any:
    """Return HTTP headers without their values."""
    if isinstance(headers, dict):
        return {key: _without_values(value) for key, value in headers.items()}
    if isinstance(headers, list | tuple):
        return [_without_values(value) for value in headers]
    return headers if headers in (None, "") else REMOVED
