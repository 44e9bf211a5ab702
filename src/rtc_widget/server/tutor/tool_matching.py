"""Finds the tools that a sentence asks for, and their arguments, by its words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rtc_widget.server.responders.responder import ToolDefinition
from rtc_widget.server.tutor.tool_arguments import arguments_of, properties_of
from rtc_widget.server.tutor.tool_words import words_of, words_of_name

_CLAUSES = re.compile(r"(?<=[.?!;])\s+|,?\s+(?=(?:and|then|also)\s)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A request for a tool.

    Attributes
    ----------
    tool : ToolDefinition
        The tool.
    arguments : dict
        The arguments in the sentence.
    missing : tuple of str
        The required arguments that are not in the sentence.
    by_name : bool
        Whether the sentence has the name of the tool, not only words of its description.
    """

    tool: ToolDefinition
    arguments: dict[str, Any]
    missing: tuple[str, ...]
    by_name: bool


def requested(text: str, tools: Sequence[ToolDefinition], *, must: bool = False) -> tuple[ToolRequest, ...]:
    """Return the tool requests in `text`; with `must` always at least one, for the most likely tool.

    Each clause that asks for a tool is a request, and so is each of several values for an argument that takes one. A
    request takes a missing argument from another one: "What are the weather and the time in Paris?"

    Examples
    --------
    >>> weather = ToolDefinition("get_weather", "", {"properties": {"city": {"type": "string"}}, "required": ["city"]})
    >>> [request.arguments for request in requested("What is the weather in Paris and in Rome?", [weather])]
    [{'city': 'Paris'}, {'city': 'Rome'}]
    """
    parts = _parts(text, tools)
    if len(parts) < 2:
        tool = _likeliest(text, tools, must=must)
        parts = [] if tool is None else [(tool, text)]
    found = [request for tool, part in parts for request in _requests(part, tool)]
    known = {name: value for request in reversed(found) for name, value in request.arguments.items()}
    return tuple(_completed(request, known) for request in found)


def _parts(text: str, tools: Sequence[ToolDefinition]) -> list[tuple[ToolDefinition, str]]:
    """Return the clauses that ask for a tool, each joined with the neighbours that do not."""
    parts: list[tuple[ToolDefinition, str]] = []
    waiting = ""
    for clause in _CLAUSES.split(text):
        tool = _likeliest(clause, tools)
        if tool is not None:
            parts.append((tool, f"{waiting} {clause}".strip()))
            waiting = ""
        elif parts:
            parts[-1] = (parts[-1][0], f"{parts[-1][1]} {clause}")
        else:
            waiting = f"{waiting} {clause}".strip()
    return parts


def _likeliest(text: str, tools: Sequence[ToolDefinition], *, must: bool = False) -> ToolDefinition | None:
    ranked = sorted(tools, key=lambda tool: _likeness(text, tool), reverse=True)
    return ranked[0] if ranked and (must or _likeness(text, ranked[0]) != (False, 0.0)) else None


def _requests(text: str, tool: ToolDefinition) -> list[ToolRequest]:
    required = tool.parameters.get("required") or ()
    by_name = _likeness(text, tool)[0]
    return [
        ToolRequest(tool, found, tuple(name for name in required if name not in found), by_name)
        for found in arguments_of(text, tool)
    ]


def _completed(request: ToolRequest, known: dict[str, Any]) -> ToolRequest:
    properties = properties_of(request.tool)
    spoken = next((value for value in known.values() if isinstance(value, str)), None)
    lent: dict[str, Any] = {}
    for name in request.missing:
        # By name, or for a string any other string: the city of one tool is the place of another.
        value = known.get(name, spoken if properties.get(name, {}).get("type") == "string" else None)
        if value is not None:
            lent[name] = value
    missing = tuple(name for name in request.missing if name not in lent)
    return replace(request, arguments={**request.arguments, **lent}, missing=missing)


def _likeness(text: str, tool: ToolDefinition) -> tuple[bool, float]:
    """Return whether `text` has the name of the tool, and its share of the description; (False, 0) if not enough."""
    words, spoken = words_of(text), words_of_name(tool.name)
    name, about = words_of(spoken), words_of(tool.description)
    shared = len(words & about)
    enough = shared >= 2 or (shared == 1 and len(about) <= 2)
    is_spelled = re.search(rf"\b(?:{re.escape(tool.name)}|{re.escape(spoken)})\b", text, re.IGNORECASE)
    by_name = bool(is_spelled) or (bool(name) and name <= words)
    return by_name, shared / len(about) if about and (enough or by_name) else 0.0
