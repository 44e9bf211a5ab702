"""Striking secrets out of what is written to a file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

REMOVED = "[removed]"

# What the names of fields end with whose values open doors: `api_key`, `refreshToken`, `X-Auth-Token`.
_ENDINGS = re.compile(r"_key$|apikey$|password$|(?:^|_)(?:token|secret|passwd|authorization|credentials?|cookie)$")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# What keys, short-lived secrets, bearer tokens, JSON Web Tokens and the like look like.
_LOOKS = re.compile(
    r"\b(?:sk|ek|rk|pk)[-_][A-Za-z0-9_-]{8,}"
    r"|\b(?:hf|gh[opusr]|github_pat)_[A-Za-z0-9_]{8,}"
    r"|\b[Bb]earer\s+[A-Za-z0-9._~+/=-]{6,}"
    # With a digit, a capital inside or padding: "basic training" is none.
    r"|\bBasic\s+(?=[A-Za-z0-9+/]*(?:[0-9+/=]|[a-z][A-Z]))[A-Za-z0-9+/]{6,}={0,2}"
    r"|\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
)
# Name and password in an address.
_USERINFO = re.compile(r"(?<=://)[^\s/@:?#\"']+:[^\s/@?#\"']+(?=@)")
_SHORTEST = 6


class Redaction:
    """Removes secrets from JSON values: by the name of their field, by what they look like, and those it is told.

    Parameters
    ----------
    strike : callable, optional
        Returns a text without the secrets that only the caller knows.
    """

    def __init__(self, strike: Callable[[str], str] = str) -> None:
        self._strike = strike
        self._key = os.environ.get("OPENAI_API_KEY", "").strip()

    def of(self, value: Any) -> Any:
        """Return the value without secrets; what has none comes back as it is.

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
        text = self._strike(text)
        # A key that short would be no key; replacing it would spoil the texts.
        text = text.replace(self._key, REMOVED) if len(self._key) >= _SHORTEST else text
        if text.lstrip().startswith("{"):
            text = self._json(text)
        return _USERINFO.sub(REMOVED, _LOOKS.sub(REMOVED, text))

    def _json(self, text: str) -> str:
        """Return a text that is a JSON object, such as a tool's arguments, without secrets; others as they are."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return text
        safe = self.of(value)
        return text if safe == value else json.dumps(safe, ensure_ascii=False)

    def _field(self, key: Any, value: Any, fields: Mapping[Any, Any]) -> Any:
        if value in (None, "") or not isinstance(key, str):
            return self.of(value)
        name = _HUMP.sub("_", key).casefold().replace("-", "_")
        if name == "headers":
            return _emptied(value)
        # The tokens of log probabilities are words, and numbers and yes or no open no doors.
        is_word = name == "token" and "logprob" in fields
        is_secret = _ENDINGS.search(name) and not is_word and not isinstance(value, bool | int | float)
        return REMOVED if is_secret else self.of(value)


def _emptied(headers: Any) -> Any:
    """Return what stands under ``headers`` without any value."""
    if isinstance(headers, dict):
        return {key: _emptied(value) for key, value in headers.items()}
    if isinstance(headers, list | tuple):
        return [_emptied(value) for value in headers]
    return headers if headers in (None, "") else REMOVED
