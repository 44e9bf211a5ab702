"""What a function's docstring says for a model: the summary, and a line for each parameter."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_UNDERLINE = re.compile(r"-{3,}")
_GOOGLE = re.compile(
    r"(Args|Arguments|Parameters|Returns?|Yields?|Raises|Examples?|Notes?|See Also|Attributes|Warnings?):",
    re.IGNORECASE,
)
_FIELD = re.compile(r":(?P<kind>\w+)(?:\s+[^:]*?(?P<name>\w+))?:\s*(?P<text>.*)")


@dataclass(frozen=True, slots=True)
class FunctionDoc:
    """What a docstring says.

    Attributes
    ----------
    about : str
        Everything before the first section.
    parameters : mapping
        The description of each parameter that has one, in one line.
    """

    about: str
    parameters: Mapping[str, str]


def function_doc(function: Callable[..., Any]) -> FunctionDoc:
    """Read a docstring in NumPy's, Google's or Sphinx's style.

    Examples
    --------
    >>> def weather(city: str) -> str:
    ...     '''Tell the weather.
    ...
    ...     Args:
    ...         city: Its English name.
    ...     '''
    >>> function_doc(weather)
    FunctionDoc(about='Tell the weather.', parameters={'city': 'Its English name.'})
    """
    lines = (inspect.getdoc(function) or "").splitlines()
    begin = next((at for at in range(len(lines)) if _begins_section(lines, at)), len(lines))
    about = " ".join(line.strip() for line in lines[:begin] if line.strip())
    return FunctionDoc(about, _numpy(lines) or _google(lines) or _sphinx(lines))


def _begins_section(lines: list[str], at: int) -> bool:
    is_numpy = at + 1 < len(lines) and bool(_UNDERLINE.fullmatch(lines[at + 1].strip()))
    line = lines[at].strip()
    return is_numpy or bool(_GOOGLE.fullmatch(line)) or bool(_FIELD.match(line))


def _numpy(lines: list[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    names: list[str] = []
    for line in _section(lines, "Parameters", underlined=True):
        if line[:1].strip():
            names = [name.strip(" *") for name in line.split(":")[0].split(",")]
        elif line.strip():
            for name in names:
                found.setdefault(name, []).append(line.strip())
    return {name: " ".join(words) for name, words in found.items()}


def _google(lines: list[str]) -> dict[str, str]:
    body = [line for name in ("Args:", "Arguments:", "Parameters:") for line in _section(lines, name, underlined=False)]
    indent = min((len(line) - len(line.lstrip()) for line in body if line.strip()), default=0)
    found: dict[str, list[str]] = {}
    name = ""
    for line in body:
        match = re.match(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)", line[indent:])
        if match:
            name = match[1]
            found[name] = [match[2].strip()]
        elif name and line.strip():
            found[name].append(line.strip())
    return {name: " ".join(filter(None, words)) for name, words in found.items()}


def _sphinx(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        match = _FIELD.match(line.strip())
        if match:
            name = match["name"] or "" if match["kind"] in ("param", "parameter", "arg", "argument") else ""
            if name:
                found[name] = match["text"].strip()
        elif name and line.strip():
            found[name] += f" {line.strip()}"
    return found


def _section(lines: list[str], title: str, *, underlined: bool) -> list[str]:
    for at, line in enumerate(lines):
        has_line = at + 1 < len(lines) and bool(_UNDERLINE.fullmatch(lines[at + 1].strip()))
        if line.strip() == title and has_line == underlined:
            body = lines[at + (2 if underlined else 1) :]
            ends = (
                end
                for end, inner in enumerate(body)
                if _begins_section(body, end) and (underlined or not inner[:1].isspace())
            )
            return body[: next(ends, len(body))]
    return []
