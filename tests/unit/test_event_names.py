"""No code outside `protocols/` depends on the name of a wire event."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import rtc_widget

PACKAGE = Path(rtc_widget.__file__).parent
CONTRACT = Path(__file__).parents[1] / "contract"
LISTED = [
    json.loads((CONTRACT / f"{protocol}_event_names.json").read_text(encoding="utf-8"))
    for protocol in ("realtime", "live")
]
NAMES = {name for names in LISTED for side in ("client", "server", "beta") for name in names.get(side, ())}


def event_names_in(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and name of each string constant that is the name of a wire event."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and "." in str(node.value) and node.value in NAMES:
            yield node.lineno, str(node.value)
        # "error" is an ordinary word, except as the type of an event.
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            if any((_value(key), _value(value)) == ("type", "error") for key, value in pairs):
                yield node.lineno, "error"
        if isinstance(node, ast.Compare) and any(_is_type(side) for side in (node.left, *node.comparators)):
            sides = [each for side in (node.left, *node.comparators) for each in ast.walk(side)]
            if any(_value(side) == "error" for side in sides):
                yield node.lineno, "error"
        if isinstance(node, ast.Match) and _is_type(node.subject):
            values = [_value(each) for case in node.cases for each in ast.walk(case.pattern)]
            if "error" in values:
                yield node.lineno, "error"


def _value(node: ast.AST | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _is_type(node: ast.AST) -> bool:
    """Whether this is `event.type`, `event["type"]` or `event.get("type")`."""
    if isinstance(node, ast.Attribute):
        return node.attr == "type"
    if isinstance(node, ast.Subscript):
        return _value(node.slice) == "type"
    is_get = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get"
    return is_get and bool(node.args) and _value(node.args[0]) == "type"


def test_no_module_outside_of_the_protocols_names_a_wire_event() -> None:
    # Lessons are the code of notebooks.
    exempt = {"protocols", "testing", "lessons"}
    files = [file for file in PACKAGE.rglob("*.py") if not exempt & set(file.relative_to(PACKAGE).parts)]
    found = [
        f"{file.relative_to(PACKAGE)}:{line}: {name}"
        for file in files
        for line, name in event_names_in(file.read_text(encoding="utf-8"))
    ]
    assert len(files) > 100
    assert found == []


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('send("response.done", response={})', ["response.done"]),
        ('{"type": "error", "error": {}}', ["error"]),
        ('{"type": "rate_limits.updated"}', ["rate_limits.updated"]),
        ('event.type == "error"', ["error"]),
        ('event.get("type") in ("error", "x")', ["error"]),
        ('match event["type"]:\n case "x" | "error": ...', ["error"]),
        ('{"error": {"type": "server_error"}}', []),
        ('state.status in ("idle", "error")', []),
        ('"""Sent before `response.done`."""', []),
    ],
)
def test_a_name_is_found_where_it_is_a_string_of_its_own(source: str, names: list[str]) -> None:
    assert [name for _, name in event_names_in(source)] == names
