"""Finds arguments of a tool in a sentence: names, quoted words, numbers, on and off, values of an enum."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rtc_widget.server.responders.responder import ToolDefinition
from rtc_widget.server.tutor.spoken_numbers import numbers_in, with_digits
from rtc_widget.server.tutor.tool_words import ORDINARY, words_of, words_of_name

_YES, _NO = re.compile(r"\b(on|yes|true|enable|start)\b"), re.compile(r"\b(off|no|not|false|disable|stop)\b")
_PREPOSITIONS = "in|for|of|about|to|named|called|at|on|with|from|near"
_AFTER_PREPOSITION = re.compile(
    rf"\b({_PREPOSITIONS})\s+(?:the\s+)?(.+?)"
    rf"(?=\s+(?:{_PREPOSITIONS}|please|is|are|how|what|and\s+(?:{_PREPOSITIONS}))\b|[.?!;]|$)",
    re.IGNORECASE,
)
_PROPER = r"[A-Z][\w'’-]*(?: (?:de |la |of )?[A-Z][\w'’-]*)*"
_PROPER_LIST = re.compile(
    rf"(?<=[a-z,] )(?<!\. )({_PROPER}(?:(?:,? (?:and|or)|,) (?:(?:{_PREPOSITIONS}) )?(?:the )?{_PROPER})*)"
)
_QUOTED = re.compile(r"[\"“]([^\"”]{1,200})[\"”]|(?<!\w)['‘]([^'’]{1,200})['’](?!\w)")
_JOINT = re.compile(rf",? (?:and|or) (?:(?:{_PREPOSITIONS}) )?(?:the )?|, ")
_WHEN = (
    "today|tomorrow|tonight|yesterday|right now|now|currently|at the moment|this (?:morning|afternoon|evening|week)|"
    "(?:next |last )?(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|week|month)|\\d{4}-\\d\\d-\\d\\d"
)
_WHEN_WORDS = re.compile(rf"\b(?:on |this )?({_WHEN})\b", re.IGNORECASE)
_FILLERS = re.compile(r"(?:[\s,]+(?:please|like|thanks|again|for me|then))+$", re.IGNORECASE)
_OF_TIME = frozenset({"date", "day", "when"})
_FREE_TEXT = frozenset({"text", "message", "body", "content", "note", "query", "question", "prompt", "expression"})
_SAYING = re.compile(
    r"(?:\b(?:saying|says|that says|with the (?:text|message)|about|for|of)\b|:)\s+(.+)$", re.IGNORECASE
)
_PREPOSITION_OF = {"origin": "from", "source": "from", "destination": "to", "target": "to", "recipient": "to"}


@dataclass(slots=True)
class _Sentence:
    """The values in a sentence that no argument has taken yet."""

    text: str
    tool: ToolDefinition
    numbers: list[float] = field(default_factory=list)
    things: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.numbers = numbers_in(with_digits(self.text))
        self.things = _things(self.text, self.tool)


def arguments_of(text: str, tool: ToolDefinition) -> tuple[dict[str, Any], ...]:
    """Return the arguments for `tool` in `text`: usually one set, but several for "in Paris and in Rome".

    Examples
    --------
    >>> schema = {"properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
    >>> arguments_of("The weather in New York for five days, please.", ToolDefinition("get_weather", "", schema))
    ({'city': 'New York', 'days': 5},)
    """
    schemas = {
        name: _resolved(schema, tool.parameters)
        for name, schema in properties_of(tool).items()
        if isinstance(schema, Mapping)  # `true` is a valid schema without information
    }
    sentence = _Sentence(text, tool)
    strings = [name for name, schema in schemas.items() if _is_free_string(name, schema)]
    found: dict[str, Any] = {}
    several: list[str] = []
    for name, schema in schemas.items():
        if len(strings) == 1 and name in strings and sentence.things:
            # "The weather in Paris and in Rome" is two calls if the tool takes one place.
            several = sentence.things[0]
        value = _value(sentence, name, schema)
        if value is not None:
            found[name] = value
    if not strings or found.get(strings[0]) not in several:
        return (found,)
    return tuple({**found, strings[0]: thing} for thing in several)


def properties_of(tool: ToolDefinition) -> Mapping[str, Any]:
    """Return the schemas of the arguments of `tool`; the parameters from a client may be of any type."""
    properties = tool.parameters.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _is_free_string(name: str, schema: Mapping[str, Any]) -> bool:
    is_open = _kind(schema) == "string" and "enum" not in schema and "const" not in schema
    return is_open and not _OF_TIME & words_of(words_of_name(name)) and name not in _FREE_TEXT


def _value(sentence: _Sentence, name: str, schema: Mapping[str, Any]) -> Any:
    if "enum" in schema or "const" in schema:
        chosen = _chosen(sentence.text, schema.get("enum") or [schema.get("const")])
        return chosen[0] if chosen else None
    match _kind(schema):
        case "integer" | "number" as kind:
            number = _number(sentence, name)
            return int(number) if number is not None and kind == "integer" else number
        case "boolean":
            return _boolean(sentence.text, name)
        case "string":
            return _string(sentence, name)
        case "array":
            return _array(sentence, schema.get("items") or {}) or None
    return None


def _chosen(text: str, values: Sequence[Any]) -> list[Any]:
    """Return the `values` that `text` names as whole words, in their order in the text."""
    lowered = with_digits(text).casefold()
    places: list[tuple[int, int, Any]] = []
    for value in values:
        pattern = re.escape(str(value).casefold().replace("_", " "))
        found = re.search(rf"(?<!\w){pattern}s?(?!\w)", lowered.replace("_", " "))
        if found:
            # At the same place the longer value takes precedence: "light blue" over "light".
            places.append((found.start(), -len(pattern), value))
    chosen: list[Any] = []
    taken = -1
    for start, length, value in sorted(places, key=lambda place: place[:2]):
        if start >= taken:
            chosen.append(value)
            taken = start - length
    return chosen


def _number(sentence: _Sentence, name: str) -> float | None:
    """Return the number next to the name of the argument ("5 minutes", "volume to 30"), or else the first one."""
    lowered = with_digits(sentence.text).casefold()
    for word in sorted(words_of(words_of_name(name)), key=len, reverse=True):
        beside = re.search(
            rf"(-?\d+(?:\.\d+)?) {re.escape(word)}|\b{re.escape(word)}s?(?: is| to| of| =|:)? (-?\d+(?:\.\d+)?)",
            lowered,
        )
        if beside:
            number = numbers_in(beside[1] or beside[2])[0]
            if number in sentence.numbers:
                sentence.numbers.remove(number)
                return number
    return sentence.numbers.pop(0) if sentence.numbers else None


def _boolean(text: str, name: str) -> bool | None:
    lowered, spoken = text.casefold(), re.escape(words_of_name(name).removeprefix("is ").casefold())
    if re.search(rf"\bwith(?: the)? {spoken}\b", lowered):
        return True
    if re.search(rf"\b(?:without|no)(?: the)? {spoken}\b", lowered):
        return False
    return False if _NO.search(lowered) else True if _YES.search(lowered) else None


def _string(sentence: _Sentence, name: str) -> str | None:
    text, spoken = sentence.text, words_of_name(name)
    if _OF_TIME & words_of(spoken):
        when = _WHEN_WORDS.search(text)
        return when[1] if when else None
    if name.casefold() in _FREE_TEXT:
        return _free_text(text, sentence.tool)
    named = re.search(rf"\b{re.escape(spoken)}\s+(?:is\s+|to\s+|=\s*|:\s*)?({_PROPER}|[\w'’-]+)", text)
    if named and named[1].casefold() not in ORDINARY and not re.match(_WHEN, named[1], re.IGNORECASE):
        return named[1]
    preposition = _PREPOSITION_OF.get(name.casefold(), name.casefold())
    for found, thing in _AFTER_PREPOSITION.findall(text):
        if found.casefold() == preposition:
            cleaned = _cleaned(thing)
            sentence.things = [group for group in sentence.things if cleaned not in group]
            return cleaned
    return sentence.things.pop(0)[0] if sentence.things else None


def _free_text(text: str, tool: ToolDefinition) -> str | None:
    quoted = _quoted(text)
    sentence = text.strip().rstrip(".?!")
    after = _SAYING.search(sentence)
    name = re.search(
        rf"\b(?:{'|'.join(map(re.escape, words_of(words_of_name(tool.name)))) or 'x^'})\w*\s+(.+)$", sentence, re.I
    )
    found = quoted[0] if quoted else after[1] if after else name[1] if name else ""
    return _FILLERS.sub("", found) or None


def _array(sentence: _Sentence, items: Mapping[str, Any]) -> list[Any]:
    if "enum" in items:
        return _chosen(sentence.text, items["enum"])
    match _kind(items):
        case "integer" | "number" as kind:
            taken, sentence.numbers = sentence.numbers, []
            return [int(number) for number in taken] if kind == "integer" else list(taken)
        case "string" | "None":
            return sentence.things.pop(0) if sentence.things else []
    return []


def _things(text: str, tool: ToolDefinition) -> list[list[str]]:
    """Return possible values in `text`, the most likely first; each list holds values of one enumeration."""
    about = words_of(words_of_name(tool.name))
    quoted = _quoted(text)
    if quoted:
        return [quoted]
    timeless = _WHEN_WORDS.sub(" ", text)
    timeless = re.sub(r"\s+([,.?!;])|\s+", lambda space: space[1] or " ", timeless).strip()
    proper = [_joined(found) for found in _PROPER_LIST.findall(timeless)]
    proper = [kept for group in proper if (kept := [thing for thing in group if not words_of(thing) <= about])]
    if proper:
        return proper
    after = [_joined(_cleaned(thing)) for _, thing in _AFTER_PREPOSITION.findall(timeless)]
    return [kept for group in after if (kept := [thing for thing in group if _is_thing(thing, about)])]


def _quoted(text: str) -> list[str]:
    return [double or single for double, single in _QUOTED.findall(text)]


def _is_thing(thing: str, about: set[str]) -> bool:
    return bool(words_of(thing)) and not words_of(thing) <= about and not numbers_in(with_digits(thing))


def _joined(found: str) -> list[str]:
    # "Paris, France" is one place; only "and" or "or" makes a list.
    return [thing for thing in _JOINT.split(found) if thing] if re.search(r"\b(?:and|or)\b", found) else [found]


def _cleaned(thing: str) -> str:
    return _FILLERS.sub("", _WHEN_WORDS.sub("", thing).strip()).strip(" ,")


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `schema` with its reference resolved and without the `null` of an optional argument."""
    options = [option for option in schema.get("anyOf") or schema.get("oneOf") or () if option.get("type") != "null"]
    if options:
        return _resolved(options[0], root)
    for only in schema.get("allOf") or ():
        return _resolved(only, root)
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    definitions = root.get("$defs") or root.get("definitions") or {}
    return definitions.get(name, schema) if name else schema


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    return str(next((name for name in kind if name != "null"), "")) if isinstance(kind, list) else str(kind)
