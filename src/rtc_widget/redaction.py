"""Striking secrets out of what is written to a file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

REMOVED = "[removed]"

# Fields of realtime sessions and tools whose values open doors.
_FIELDS = frozenset(
    {"authorization", "api_key", "apikey", "access_token", "client_secret", "password", "secret", "token", "credential"}
)
# What keys, short-lived secrets and bearer tokens look like.
_LOOKS = re.compile(r"\b(?:sk|ek|rk|pk)[-_][A-Za-z0-9_-]{8,}|\b[Bb]earer\s+[A-Za-z0-9._~+/=-]{6,}")
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
            text = self._strike(value)
            # A key that short would be no key; replacing it would spoil the texts.
            text = text.replace(self._key, REMOVED) if len(self._key) >= _SHORTEST else text
            return _LOOKS.sub(REMOVED, text)
        if isinstance(value, dict):
            return {key: self._field(key, entry) for key, entry in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(entry) for entry in value]
        return value

    def _field(self, key: Any, value: Any) -> Any:
        is_secret = isinstance(key, str) and key.casefold().replace("-", "_") in _FIELDS
        return REMOVED if is_secret and value not in (None, "") else self.of(value)
