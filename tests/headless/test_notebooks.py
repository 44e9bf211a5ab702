"""Every notebook runs from top to bottom without a browser, as in CI: nbval with the headless page.

The solutions of the exercises run as well, each in the place where it stands.
The first one runs in JupyterLab, too: see tests/e2e/test_talk.py.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from rtc_widget.lessons.exercises import exercises_of, lesson_modules
from rtc_widget.lessons.lesson_07 import NATS, NO_WAY
from tests.limits import HANGS

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LESSONS = {module.__name__[-2:]: module for module in lesson_modules()}
SOLUTION = re.compile(r"<details>.*?^```python\n(.*?)^```$.*?</details>", re.DOTALL | re.MULTILINE)
# Addresses of the machine that has run a notebook; not those of loopback, of documentation, or of the lessons.
ADDRESS = re.compile(
    r"(?<![§\w.-])(?<!section )(?<!§ )(?!127\.|0\.0\.0\.0|10\.0\.0\.2\b|192\.0\.2\.|198\.51\.100\.|203\.0\.113\.)"
    r"\d{1,3}(?:\.\d{1,3}){3}\b"
)
MAX_STORED_BYTES = 250_000
# A plugin for nbval's pytest: writes down what the cells put out.
KEEP_OUTPUTS = """
import json, pathlib

def pytest_sessionfinish(session):
    outputs = [output for cell in session.items for output in cell.test_outputs or ()]
    pathlib.Path("outputs.json").write_text(json.dumps(outputs, default=str))
"""


def outputs_of(notebook: Path, folder: Path) -> list[dict[str, Any]]:
    """Run a notebook with nbval and return the outputs of all its cells."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "JUPYTER", "MPL"))}
    environment |= {
        "RTC_WIDGET_PAGE": "headless",
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    # An empty configuration: what the plugin itself warns of is no fault of the notebook.
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "keep_outputs.py").write_text(KEEP_OUTPUTS)
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(folder / "pytest.ini"), "-p", "no:cacheprovider"]
    command += [
        "-p",
        "keep_outputs",
        "--nbval-lax",
        "--nbval-current-env",
        f"--nbval-cell-timeout={HANGS}",
        f"--rootdir={folder}",
        str(notebook),
    ]
    run = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=2 * HANGS, check=False
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert " passed" in run.stdout
    outputs: list[dict[str, Any]] = json.loads((folder / "outputs.json").read_text())
    return outputs


def solutions_of(notebook: Path) -> list[str]:
    cells = nbformat.read(notebook, 4).cells
    return [code for cell in cells if cell.cell_type == "markdown" for code in SOLUTION.findall(cell.source)]


def with_solutions(notebook: Path, folder: Path) -> Path:
    """Copy a notebook and add a cell with each solution behind the cell that has it."""
    book = nbformat.read(notebook, 4)
    cells = []
    for cell in book.cells:
        cells.append(cell)
        if cell.cell_type == "markdown":
            cells += [nbformat.v4.new_code_cell(code) for code in SOLUTION.findall(cell.source)]
    book.cells = cells
    copy = folder / notebook.name
    nbformat.write(book, copy)
    return copy


def checks_of(outputs: list[dict[str, Any]]) -> list[str]:
    """The results of `check` that a notebook shows."""
    shown = [str(output.get("data", {}).get("text/plain", "")) for output in outputs]
    return [text for text in shown if text.startswith(("Right: ", "Not yet: "))]


def text_of(outputs: list[dict[str, Any]]) -> str:
    return "".join(output.get("text", "") for output in outputs)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_without_a_browser(notebook, tmp_path):
    outputs = outputs_of(with_solutions(notebook, tmp_path), tmp_path)
    assert outputs
    checks, solutions = checks_of(outputs), solutions_of(notebook)
    # An exercise is not solved before its solution, and is solved by it.
    assert [check.partition(":")[0] for check in checks] == ["Not yet", "Right"] * len(solutions), checks
    assert [output for output in outputs if output["output_type"] == "error"] == []
    if not notebook.stem.startswith("03"):  # a tool of that one fails on purpose, and hosts may show it
        assert [output for output in outputs if output.get("name") == "stderr"] == []
    if notebook.stem.startswith("04"):
        pictures = [output for output in outputs if "image/png" in output.get("data", {})]
        assert len(pictures) == 3, "the clip, the recording, the statistics; each once"
        assert "jitter buffer" in text_of(outputs).casefold()
        assert "opus 48000" in text_of(outputs)
    if notebook.stem.startswith("07"):  # the table of 16 pairs of NATs, as measured
        pairs = "".join(f"\n{one} – {other}" for one in NATS for other in NATS if (one, other) in NO_WAY)
        assert f"no way:{pairs}\nrelayed packets: some" in text_of(outputs)


@pytest.mark.parametrize("number", LESSONS)
def test_a_lesson_has_every_exercise_of_its_module_with_a_solution(number):
    [notebook] = [path for path in NOTEBOOKS if path.stem.startswith(number)]
    solutions = "".join(solutions_of(notebook))
    names = [exercise.name for exercise in exercises_of(LESSONS[number])]
    assert [name for name in names if f'check("{name}"' not in solutions] == []
    assert solutions.count('check("') == len(names)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_are_small_and_have_no_addresses(notebook):
    assert notebook.stat().st_size < MAX_STORED_BYTES
    outputs = [output for cell in nbformat.read(notebook, 4).cells for output in cell.get("outputs", ())]
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []
    for output in outputs:
        data = {kind: text for kind, text in output.get("data", {}).items() if not kind.startswith("image/")}
        assert "application/vnd.jupyter.widget-view+json" not in data, "a widget's view needs its kernel"
        assert ADDRESS.findall(json.dumps([data, output.get("text", "")], ensure_ascii=False)) == []
