"""The lessons run in JupyterLab with the browser's page: every cell, every solution, every view.

All of them are opened in one tab, one after the other, so they belong to one process.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Browser

from tests.e2e.lab import KERNEL, Lab, NotebookPage
from tests.notebooks import NOTEBOOKS, checks_of, solutions_of, with_solutions

LESSONS = [path for path in NOTEBOOKS if path.stem >= "05"]
VIEW = "application/vnd.jupyter.widget-view+json"
ANSI = re.compile(r"\x1b\[[\d;]*m")
# A view with its picture or its buttons; JupyterLab writes "Loading widget…" before, and an error if there is none.
DRAWN = """(index) => {
  const { node } = window.jupyterapp.shell.currentWidget.content.widgets[index];
  return node.querySelector(".rtc-peer svg.rtc-machine, .rtc-widget button")?.checkVisibility();
}"""
OUTPUTS = """(index) =>
  window.jupyterapp.shell.currentWidget.content.model.cells.get(index).toJSON().outputs ?? []"""

pytestmark = pytest.mark.xdist_group("lessons")


def prepared(notebook: Path, lab: Lab) -> list[Any]:
    """Copy a lesson with its solutions and without its outputs to the lab's folder, and return its cells."""
    copy = with_solutions(notebook, lab.folder)
    book = nbformat.read(copy, 4)
    book.metadata.kernelspec = {"name": KERNEL, "display_name": "Python 3", "language": "python"}
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(book, copy)
    cells: list[Any] = book.cells
    return cells


def faults_of(outputs: list[dict[str, Any]]) -> list[str]:
    """What the outputs of a cell say has gone wrong."""
    errors = ["\n".join(output["traceback"]) for output in outputs if output["output_type"] == "error"]
    warnings = ["".join(output["text"]) for output in outputs if output.get("name") == "stderr"]
    return [ANSI.sub("", text)[-3000:] for text in errors + warnings]


def ends_with_a_widget(cell: Any) -> bool:
    """Whether the last line of a cell is the name of a widget, by the habit of the lessons."""
    return cell.cell_type == "code" and cell.source.splitlines()[-1] in ("alice", "bob", "chat")


@pytest.mark.parametrize("notebook", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_runs_in_jupyterlab(
    notebook: Path, lab: Lab, show: Callable[[Browser, str], NotebookPage], silent_browser: Browser
) -> None:
    cells = prepared(notebook, lab)
    page = show(silent_browser, notebook.name)
    page.focus_first_cell()
    checks, drawn = [], []
    for index, cell in enumerate(cells):
        page.run_next()
        outputs = page.page.evaluate(OUTPUTS, index)
        assert faults_of(outputs) == [], cell.source
        if any(VIEW in output.get("data", {}) for output in outputs):
            page.page.wait_for_function(DRAWN, arg=index)
            drawn.append(index)
        checks += checks_of(outputs)
    assert [check.partition(":")[0] for check in checks] == ["Not yet", "Right"] * len(solutions_of(notebook)), checks
    assert drawn == [index for index, cell in enumerate(cells) if ends_with_a_widget(cell)]
    assert [line for line in page.console if line.startswith("uncaught")] == []
    assert page.spy("spy.peers.every((peer) => peer.connectionState === 'closed')"), "a lesson ends what it has begun"
