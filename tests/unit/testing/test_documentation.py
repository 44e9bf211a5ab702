"""Runs the tests that the documentation shows."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[3] / "docs" / "testing.md").read_text()
EXAMPLES = [block for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if "async def test_" in block]


def test_there_are_some():
    assert len(EXAMPLES) == 2


@pytest.mark.parametrize("block", EXAMPLES)
async def test_a_test_of_the_documentation_passes(block):
    names: dict = {}
    exec(block, names)
    tests = [value for name, value in names.items() if name.startswith("test_") and inspect.iscoroutinefunction(value)]
    assert tests
    for test in tests:
        await test()
