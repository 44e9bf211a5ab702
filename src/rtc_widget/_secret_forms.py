"""Finds keys in texts by their form."""

from __future__ import annotations

import re

REMOVED = "[removed]"

# The forms of API keys, client secrets, bearer tokens and JSON Web Tokens.
_SECRET_FORMS = re.compile(
    r"\b(?:sk|ek|rk|pk)[-_][A-Za-z0-9_-]{8,}"
    r"|\b(?:hf|gh[opusr]|github_pat)_[A-Za-z0-9_]{8,}"
    r"|\b[Bb]earer\s+[A-Za-z0-9._~+/=-]{6,}"
    # Base64 has a digit, a capital inside or padding; "basic training" must not match.
    r"|\bBasic\s+(?=[A-Za-z0-9+/]*(?:[0-9+/=]|[a-z][A-Z]))[A-Za-z0-9+/]{6,}={0,2}"
    r"|\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
)
# User name and password in a URL.
_USERINFO = re.compile(r"(?<=://)[^\s/@:?#\"']+:[^\s/@?#\"']+(?=@)")


def without_keys(text: str) -> str:
    """Return a text with what looks like a key or a password replaced by ``"[removed]"``.

    Examples
    --------
    >>> without_keys("It is sk-12345678.")
    'It is [removed].'
    """
    return _USERINFO.sub(REMOVED, _SECRET_FORMS.sub(REMOVED, text))
