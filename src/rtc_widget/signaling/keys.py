"""API keys: read for each call, never kept, and removed from texts."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from rtc_widget._secret_forms import REMOVED
from rtc_widget.errors import MissingKey

# Strings in a text that may be a key, between quotes, spaces, "=" and similar.
_WORD = re.compile(r"[\w~+/-][\w.~+/-]{6,}[\w~+/-]")


_WORDS = {"api_key": "API key", "token": "token"}


OPENAI_VARIABLE = "OPENAI_API_KEY"


def is_openai(base_url: str) -> bool:
    """Return whether a URL is one of OpenAI's own hosts, such as ``api.openai.com``."""
    return f".{urlsplit(base_url).hostname}".endswith(".openai.com")


def openai_variable(base_url: str) -> str | None:
    """Return the environment variable of the key for a server; None if it must not have OpenAI's key."""
    return OPENAI_VARIABLE if is_openai(base_url) and urlsplit(base_url).scheme == "https" else None


def key_reader(
    api_key: str | Callable[[], str] | None, variable: str | None, *, is_needed: bool = True, argument: str = "api_key"
) -> tuple[Callable[..., str], Callable[[str], str]]:
    """Return a function that reads the key, and one that removes every key read so far from a text.

    The first one raises `MissingKey` if there is none; it returns an empty string if neither `api_key` nor the
    environment variable has one and `is_needed` is False. It takes a key that was read elsewhere. Without a variable
    only `api_key` counts.
    """
    used: set[bytes] = set()  # digests, so that no key is kept

    def of_environment() -> str:
        return os.environ.get(variable, "") if variable is not None else ""

    def read(given: object = None) -> str:
        key = given
        if given is None:
            key = api_key() if callable(api_key) else api_key or of_environment()
        if not isinstance(key, str) or not (key := key.strip()):
            if given is None and api_key is None and not is_needed:
                return ""
            hint = f"Set {variable} before the kernel starts, or pass {argument}=…"
            if variable is None:
                hint = f"Pass {argument}=…: {OPENAI_VARIABLE} is sent to OpenAI's own hosts only, over https."
            raise MissingKey(f"No {_WORDS[argument]} was found.", hint=hint)
        if not key.isascii() or not key.isprintable():
            raise MissingKey("The API key contains invalid characters.", hint="Copy it again.")
        used.add(_digest(key))
        return key

    def redact(text: str) -> str:
        given = api_key if isinstance(api_key, str) else of_environment()
        if given.strip():
            text = text.replace(given.strip(), REMOVED)
        return _WORD.sub(lambda word: REMOVED if _digest(word[0]) in used else word[0], text) if used else text

    return read, redact


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
