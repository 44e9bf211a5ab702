"""Each class name is used once in the package, so that a reader and a search find one class."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import rtc_widget

PACKAGE = Path(rtc_widget.__file__).parent


def modules_by_class() -> dict[str, list[str]]:
    modules = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                modules[node.name].append(path.relative_to(PACKAGE).as_posix())
    return modules


def test_a_class_name_stands_in_one_place():
    assert {name: places for name, places in modules_by_class().items() if len(places) > 1} == {}
