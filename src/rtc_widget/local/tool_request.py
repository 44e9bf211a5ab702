"""Which tool a sentence asks for, and with which arguments: without a model, by its words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rtc_widget.local.mind import Tool

_ORDINARY_WORDS = """
    a an the of in on at to for from by with and or is are be do does it its this that get gets give gives set sets
    find fetch show tell return returns run runs call calls use uses make makes me my your you what which who how
    when where please can could would will today now current currently function tool value name given
"""
_ORDINARY = frozenset(_ORDINARY_WORDS.split())
_NUMBER_WORDS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty
"""
_TENS = {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100}
_NUMBERS = {word: number for number, word in enumerate(_NUMBER_WORDS.split())} | _TENS
_YES, _NO = re.compile(r"\b(on|yes|true|enable|start)\b"), re.compile(r"\b(off|no|not|false|disable|stop)\b")
_PREPOSITIONS = "in|for|of|about|to|named|called|at|on|with|from|near"
_AFTER_PREPOSITION = re.compile(
    rf"\b(?:{_PREPOSITIONS})\s+(?:the\s+)?(.+?)(?=\s+(?:{_PREPOSITIONS}|and|please)\b|[.?!,]|$)"
)
_PROPER = re.compile(r"(?<=[a-z,] )([A-Z][\w'’-]*(?: [A-Z][\w'’-]*)*)")
_QUOTED = re.compile(r"[\"“‘']([^\"”’']{1,200})[\"”’']")


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A tool that was asked for.

    Attributes
    ----------
    tool : Tool
        Which.
    arguments : tuple of dict
        What it is called with: mostly one set, more when the sentence names several things ("in Paris and in Rome").
    missing : tuple of str
        The required arguments that the sentence does not hold.
    by_name : bool
        Whether it was asked for by its name, and not only by words of its description.
    """

    tool: Tool
    arguments: tuple[dict[str, Any], ...]
    missing: tuple[str, ...]
    by_name: bool


def requested(text: str, tools: Sequence[Tool], *, must: bool = False) -> ToolRequest | None:
    """Return the tool that `text` asks for; with `must` the likeliest one whatever it says.

    Examples
    --------
    >>> weather = Tool("get_weather", "", {"properties": {"city": {"type": "string"}}, "required": ["city"]})
    >>> requested("What is the weather in Paris?", [weather]).arguments
    ({'city': 'Paris'},)
    """
    words = _words(text)
    ranked = sorted(tools, key=lambda tool: _likeness(words, tool), reverse=True)
    if not ranked or (not must and _likeness(words, ranked[0]) == (False, 0.0)):
        return None
    tool = ranked[0]
    arguments = _arguments(text, tool)
    required = tool.parameters.get("required") or ()
    missing = tuple(name for name in required if any(name not in found for found in arguments))
    return ToolRequest(tool, arguments, missing, _likeness(words, tool)[0])


def _likeness(words: set[str], tool: Tool) -> tuple[bool, float]:
    """Return whether `words` hold the tool's name, and how much of its description; (False, 0) when not enough."""
    name = _words(re.sub(r"([a-z])([A-Z])", r"\1 \2", tool.name).replace("_", " ").replace("-", " "))
    about = _words(tool.description)
    shared = len(words & about)
    enough = shared >= 2 or (shared == 1 and len(about) <= 2)
    by_name = bool(name) and name <= words
    return by_name, shared / len(about) if about and (enough or by_name) else 0.0


def _words(text: str) -> set[str]:
    found = re.findall(r"[a-z0-9]+", text.casefold())
    return {_stem(word) for word in found if word not in _ORDINARY}


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _arguments(text: str, tool: Tool) -> tuple[dict[str, Any], ...]:
    properties: Mapping[str, Any] = tool.parameters.get("properties") or {}
    numbers, things = _numbers(text), _things(text, tool)
    strings = [name for name, schema in properties.items() if _kind(schema) == "string" and "enum" not in schema]
    found: dict[str, Any] = {}
    for name, schema in properties.items():
        value = _value(text, name, schema, numbers, things, is_only=len(strings) == 1)
        if value is not None:
            found[name] = value
    if len(strings) == 1 and strings[0] in found and found[strings[0]] not in things:
        things.insert(0, found[strings[0]])
    # "The weather in Paris and in Rome" is two calls, when one thing is all that the tool takes.
    more = things if len(strings) == 1 and strings[0] in found else []
    return (found, *({**found, strings[0]: thing} for thing in more if thing != found[strings[0]]))


def _value(
    text: str, name: str, schema: Mapping[str, Any], numbers: list[float], things: list[str], *, is_only: bool
) -> Any:
    if "enum" in schema:
        return next((value for value in schema["enum"] if str(value).casefold() in text.casefold()), None)
    match _kind(schema):
        case "integer":
            return int(numbers.pop(0)) if numbers else None
        case "number":
            return numbers.pop(0) if numbers else None
        case "boolean":
            said = text.casefold()
            return False if _NO.search(said) else True if _YES.search(said) else None
        case "string":
            spoken = name.replace("_", " ")
            named = re.search(rf"\b{re.escape(spoken)}\s+(?:is\s+|to\s+)?([\w'’-]+)", text, re.IGNORECASE)
            if named and named[1].casefold() not in _ORDINARY:
                return named[1]
            return (things[0] if is_only else things.pop(0)) if things else None
    return None


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    options = schema.get("anyOf") or ()
    if kind is None and options:
        kind = next((option.get("type") for option in options if option.get("type") != "null"), None)
    return str(next((name for name in kind if name != "null"), "")) if isinstance(kind, list) else str(kind)


def _numbers(text: str) -> list[float]:
    found: list[float] = []
    for word in re.findall(r"-?\d+(?:\.\d+)?|[a-z]+", text.casefold()):
        if word in _NUMBERS:
            found.append(_NUMBERS[word])
        elif not word.isalpha():
            found.append(float(word) if "." in word else int(word))
    return found


def _things(text: str, tool: Tool) -> list[str]:
    """Return what in `text` may be the value of an argument, the likeliest first."""
    about = _words(f"{tool.name.replace('_', ' ')}")
    quoted = _QUOTED.findall(text)
    proper = [thing for thing in _PROPER.findall(text) if not _words(thing) <= about]
    after = [
        thing.strip()
        for thing in _AFTER_PREPOSITION.findall(text)
        if _words(thing) and not _words(thing) <= about and not re.fullmatch(r"[\d.]+", thing.strip())
    ]
    return list(dict.fromkeys(quoted or proper or after[:1]))


def spoken_result(output: str) -> str:
    """Return what a tool gave back as a person would say it.

    Examples
    --------
    >>> spoken_result('{"temperature_c": 21, "sky": "sunny"}')
    'Temperature c is 21, and sky is sunny.'
    """
    try:
        value = json.loads(output)
    except ValueError:
        value = output
    said = _said(value).strip()
    if not said:
        return "Done."
    return said[0].upper() + said[1:] + ("" if said[-1] in ".!?" else ".")


def _said(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case None:
            return ""
        case dict():
            return _joined(
                [f"{str(key).replace('_', ' ')} is {_said(inner) or 'nothing'}" for key, inner in value.items()]
            )
        case list():
            return _joined([_said(inner) for inner in value])
        case float():
            return f"{value:g}"
    return str(value)


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + f", and {parts[-1]}" if parts else ""
