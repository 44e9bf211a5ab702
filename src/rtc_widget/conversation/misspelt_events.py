"""Refuses a misspelt event type, for which nobody would ever see an event."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from rtc_widget.errors import UnknownEvent

_MOST_EDITS = 2
_GLOB = "*?["


def require_likely(pattern: str, known: Collection[str], seen: Iterable[str] = ()) -> None:
    """Require that a type or a pattern is not almost the name of an event.

    Servers may send events that nobody knows here, so only names that differ by one or two letters are refused.

    Parameters
    ----------
    pattern : str
        An event type, or a shell-style pattern.
    known : collection of str
        The names of the events of the protocol.
    seen : iterable of str
        The types of events that have occurred.

    Raises
    ------
    UnknownEvent
        With the name that was probably meant.

    Examples
    --------
    >>> require_likely("response.new_kind", {"response.created"})
    """
    if any(fnmatchcase(name, pattern) for name in known):
        return
    meant = _meant(pattern, known)
    if meant is None or any(fnmatchcase(name, pattern) for name in seen):
        return
    insists = f"{pattern[:-1]}[{pattern[-1:]}]"
    hint = "" if _is_glob(pattern) else f" To wait for it even so, write it as a pattern: {insists!r}."
    raise UnknownEvent(f"No event is called {pattern!r}.", hint=f"Did you mean {meant!r}?{hint}")


def _meant(pattern: str, known: Collection[str]) -> str | None:
    """Return the nearest known name, or the pattern with the nearest beginning."""
    if not _is_glob(pattern):
        return _nearest(pattern, known)
    start = min(pattern.find(sign) for sign in _GLOB if sign in pattern)
    # Whole words only: "session.up*" begins with "session".
    literal, dot, _ = pattern[:start].rpartition(".")
    if not dot:
        return None
    depth = literal.count(".") + 1
    nearest = _nearest(literal, {".".join(name.split(".")[:depth]) for name in known})
    return None if nearest in (None, literal) else f"{nearest}{pattern[len(literal) :]}"


def _is_glob(pattern: str) -> bool:
    return any(sign in pattern for sign in _GLOB)


def _nearest(word: str, known: Iterable[str]) -> str | None:
    distance, name = min(((_edits(word, name), name) for name in known), default=(_MOST_EDITS + 1, ""))
    return name if distance <= min(_MOST_EDITS, len(word) // 3) else None


def _edits(first: str, second: str) -> int:
    """Return how many letters have to be changed, added or left out; at most one more than the limit."""
    if abs(len(first) - len(second)) > _MOST_EDITS:
        return _MOST_EDITS + 1
    row = list(range(len(second) + 1))
    for number, letter in enumerate(first, 1):
        above, row[0] = row[0], number
        for column, other in enumerate(second, 1):
            above, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, above + (letter != other))
    return row[-1]
