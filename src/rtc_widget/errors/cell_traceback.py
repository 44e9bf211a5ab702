"""How a notebook shows an error of this package: the person's own line, what happened, and what to do."""

from __future__ import annotations

import linecache
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

VARIABLE = "RTC_WIDGET_TRACEBACK"
"""The environment variable that asks for whole tracebacks: ``full``."""

MOST_LINES = 8
_MOST_CHARACTERS = 160
_PACKAGE = str(Path(__file__).parents[1]) + os.sep
# Frames of the packages that run cells, and of all others that the person did not write.
_LIBRARIES = ("site-packages", "dist-packages", os.sep + "lib" + os.sep + "python")
_RED, _BOLD, _PLAIN = "\x1b[31m", "\x1b[1m", "\x1b[0m"


def rendered(error: BaseException, message: str, hint: str) -> list[str]:
    """Return the lines that IPython shows; the whole traceback if the person asks for it.

    IPython asks for it by ``%xmode Verbose``, a person also by ``RTC_WIDGET_TRACEBACK=full``.
    """
    shell = _shell()
    mode = str(getattr(getattr(shell, "InteractiveTB", None), "mode", "Context"))
    if mode == "Verbose" or os.environ.get(VARIABLE) == "full":
        return _whole(shell, error)
    place = _place(shell, error.__traceback__)
    cause = _cause(error)
    end = [*([hint] if hint else []), *cause]
    words = [line for part in message.splitlines() if (line := part.rstrip())] or [""]
    room = MOST_LINES - len(place) - len(end)
    if len(words) > room:
        words = [*words[: room - 1], f"… {len(words) - room + 1} more lines: str(error) has them."]
    name = type(error).__name__
    return [*place, f"{_RED}{name}{_PLAIN}: {words[0]}", *words[1:], *end]


def _whole(shell: Any, error: BaseException) -> list[str]:
    if shell is None:
        return traceback.format_exception(error)
    lines: list[str] = shell.InteractiveTB.structured_traceback(type(error), error, error.__traceback__)
    return lines


def _place(shell: Any, trace: TracebackType | None) -> list[str]:
    """Return the person's line and where it is: the cell's, and the last line of a module of theirs that it called."""
    own = list(_own_frames(trace))
    in_cells = [frame for frame in own if _cell_name(shell, frame[0])]
    shown = [*in_cells[-1:], *(frame for frame in own[-1:] if frame not in in_cells)]
    lines = []
    for file, number in shown:
        source = linecache.getline(file, number).strip()
        where = _cell_name(shell, file) or f"File {Path(file).name}"
        lines += [f"{where}, line {number}", f"{_BOLD}----> {number} {_cut(source)}{_PLAIN}"]
    return lines


def own_places(error: BaseException) -> list[str]:
    """Return the lines of the person's own code that an error went through, such as ``Cell In[3], line 2``."""
    shell, frames = _shell(), _own_frames(error.__traceback__)
    return [f"{_cell_name(shell, file) or Path(file).name}, line {number}" for file, number in frames]


def _own_frames(trace: TracebackType | None) -> Iterator[tuple[str, int]]:
    for frame, number in traceback.walk_tb(trace):
        file = frame.f_code.co_filename
        is_library = file.startswith((_PACKAGE, "<frozen")) or any(part in file for part in _LIBRARIES)
        if not is_library and linecache.getline(file, number):
            yield file, number


def _cell_name(shell: Any, file: str) -> str:
    """Return the name of a cell, such as ``Cell In[3]``; empty for other files."""
    format_name = getattr(getattr(shell, "compile", None), "format_code_name", None)
    known = format_name(file) if format_name is not None else None
    return " ".join(known) if known else ""


def _cause(error: BaseException) -> list[str]:
    cause = error.__cause__
    if cause is None:
        return []
    words = str(cause).splitlines()
    return [_cut(f"Cause: {type(cause).__name__}: {words[0] if words else ''}".rstrip(": "))]


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "…"


def _shell() -> Any:
    """Return IPython's shell, without importing IPython."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()
