"""Only the server's protocols know the names of wire events; the rest of the server is independent of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import rtc_widget.server
from tests.unit.server.official import client_event_types, server_event_types

SERVER = Path(rtc_widget.server.__file__).parent
EVENT_NAMES = client_event_types() | server_event_types()


def event_names_in(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and name of each string constant that is the name of a wire event."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and "." in str(node.value) and node.value in EVENT_NAMES:
            yield node.lineno, node.value
        # "error" is an ordinary word, except as the type of an object.
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if (getattr(key, "value", None), getattr(value, "value", None)) == ("type", "error"):
                    yield value.lineno, "error"


def test_no_module_outside_of_the_protocols_names_a_wire_event() -> None:
    files = [file for file in SERVER.rglob("*.py") if "protocols" not in file.relative_to(SERVER).parts]
    found = [
        f"{file.relative_to(SERVER)}:{line}: {name}"
        for file in files
        for line, name in event_names_in(file.read_text(encoding="utf-8"))
    ]

    assert len(files) > 30
    assert found == []


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('send("response.done", response={})', ["response.done"]),
        ('{"type": "error", "error": {}}', ["error"]),
        ('{"type": "rate_limits.updated"}', ["rate_limits.updated"]),
        ('{"error": {"type": "server_error"}}', []),
        ('"""Sent before `response.done`."""', []),
    ],
)
def test_a_name_is_found_where_it_is_a_string_of_its_own(source: str, names: list[str]) -> None:
    assert [name for _, name in event_names_in(source)] == names
