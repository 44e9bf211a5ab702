"""URLs that hold a password or a key."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

# Up to the last "@": a password may hold "/" or "@" although it must be escaped.
_USERINFO = re.compile(r"^((?:[a-z][a-z0-9+.-]*:)?//)?.*@", re.IGNORECASE | re.DOTALL)
_FRAGMENT = re.compile(r"#.+", re.DOTALL)
_QUERY_VALUE = re.compile(r"([?&][^=&#]*=)[^&#]+")


def without_secrets(url: str) -> str:
    """Return a URL that can be shown: without user name, password, the values of its query, and its fragment.

    Examples
    --------
    >>> without_secrets("https://me:secret@host.example/v1?api-key=7#8")
    'https://host.example/v1?api-key=…#…'
    """
    shown = _USERINFO.sub(lambda found: found[1] or "", url)
    return _FRAGMENT.sub("#…", _QUERY_VALUE.sub(r"\1…", shown))


def credentials_of(url: str) -> tuple[str, str] | None:
    """Return the user name and the password in a URL (RFC 3986, section 3.2.1); None if it has none."""
    parts = urlsplit(url)
    if parts.username is None and parts.password is None:
        return None
    return unquote(parts.username or ""), unquote(parts.password or "")
