"""API keys: read for each call, never kept, and removed from texts."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable

from rtc_widget.errors import MissingKey
from rtc_widget.saved.redaction import REMOVED

# Strings in a text that may be a key, between quotes, spaces, "=" and similar.
_WORD = re.compile(r"[\w~+/-][\w.~+/-]{6,}[\w~+/-]")


_WORDS = {"api_key": "API key", "token": "token"}


def key_reader(
    api_key: str | Callable[[], str] | None, variable: str, *, is_needed: bool = True, argument: str = "api_key"
) -> tuple[Callable[..., str], Callable[[str], str]]:
    """Return a function that reads the key, and one that removes every key read so far from a text.

    The first one raises `MissingKey` if there is none; it returns an empty string if neither `api_key` nor the
    environment variable has one and `is_needed` is False. It takes a key that was read elsewhere.
    """
    used: set[bytes] = set()  # digests, so that no key is kept

    def read(given: object = None) -> str:
        key = given
        if given is None:
            key = api_key() if callable(api_key) else api_key or os.environ.get(variable, "")
        if not isinstance(key, str) or not (key := key.strip()):
            if given is None and api_key is None and not is_needed:
                return ""
            raise MissingKey(
                f"No {_WORDS[argument]} was found.",
                hint=f"Set {variable} before the kernel starts, or pass {argument}=…",
            )
        if not key.isascii() or not key.isprintable():
            raise MissingKey("The API key contains invalid characters.", hint="Copy it again.")
        used.add(_digest(key))
        return key

    def redact(text: str) -> str:
        given = api_key if isinstance(api_key, str) else os.environ.get(variable, "")
        if given.strip():
            text = text.replace(given.strip(), REMOVED)
        return _WORD.sub(lambda word: REMOVED if _digest(word[0]) in used else word[0], text) if used else text

    return read, redact


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
