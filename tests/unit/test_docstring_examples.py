"""Runs the examples of the docstrings."""

from __future__ import annotations

import doctest
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

import rtc_widget

# Entry points of the command line; importing them is running them.
# The last one is an old name, which warns.
NOT_IMPORTED = {"rtc_widget.__main__", "rtc_widget.server.__main__", "rtc_widget.local.speech"}


def examples() -> Iterator[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    names = ["rtc_widget", *(module.name for module in pkgutil.walk_packages(rtc_widget.__path__, "rtc_widget."))]
    for name in sorted(set(names) - NOT_IMPORTED):
        module = import_module(name)
        for test in finder.find(module, name):
            if any(not example.options.get(doctest.SKIP) for example in test.examples):
                yield test


EXAMPLES = list(examples())


def test_there_are_examples():
    assert len(EXAMPLES) >= 20
    assert "rtc_widget.conversation.json_object.JsonObject" in {example.name for example in EXAMPLES}


def is_in_a_script(example: doctest.DocTest) -> bool:
    """Whether an example needs a script, which has no loop: what it says to the widget happens at once."""
    return example.name.startswith("rtc_widget.testing") or "asyncio.run(" in (example.docstring or "")


IN_SCRIPTS = [example for example in EXAMPLES if is_in_a_script(example)]
IN_CELLS = [example for example in EXAMPLES if example not in IN_SCRIPTS]


@pytest.mark.parametrize("example", IN_CELLS, ids=lambda example: example.name)
async def test_the_example_is_true(example: doctest.DocTest, chat: Any):
    run(example, {"chat": chat})


@pytest.mark.parametrize("example", IN_SCRIPTS, ids=lambda example: example.name)
def test_the_example_is_true_in_a_script(example: doctest.DocTest):
    run(example, {})


def run(example: doctest.DocTest, names: dict[str, Any]) -> None:
    example.globs |= names
    report: list[str] = []
    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=report.append, clear_globs=False)
    assert outcome.attempted > 0
    assert outcome.failed == 0, "".join(report)
