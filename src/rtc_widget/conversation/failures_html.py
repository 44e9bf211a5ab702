"""Exceptions of the user's code as HTML and as text."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from html import escape
from pathlib import Path

from rtc_widget._html import cut, faint, table, view
from rtc_widget._secret_forms import without_keys
from rtc_widget.errors.cell_traceback import own_places

_MAX_ROWS = 40
_MAX_CHARACTERS = 400


FailureRow = tuple[str, str, BaseException]
"""A failure as it is shown: its code, its text, its exception."""


def failures_html(failures: Sequence[FailureRow]) -> str:
    """Return the last failures: what failed, why, and on which line."""
    if not failures:
        return view(faint("No errors."))
    hidden = len(failures) - _MAX_ROWS
    more = faint(f"{hidden} earlier errors are not shown.") if hidden > 0 else ""
    rows = (
        (
            f'<span class="bad">{escape(code.removesuffix("_failed").replace("_", " "))}</span>',
            cut(without_keys(text), _MAX_CHARACTERS),
            escape(place_of(error)),
        )
        for code, text, error in failures[-_MAX_ROWS:]
    )
    note = faint("Each has its exception with the traceback: errors[-1].error")
    return view(more, table(("in a", "what happened", "where"), rows), note)


def failures_text(failures: Sequence[FailureRow]) -> str:
    """Return the failures, one a line."""
    return without_keys("\n".join(f"{text} ({place_of(error)})" for _, text, error in failures)) or "No errors."


def place_of(error: BaseException) -> str:
    """Return the user's line that raised an exception, such as ``Cell In[3], line 2``."""
    own = own_places(error)
    if own:
        return own[-1]
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else "line unknown"
