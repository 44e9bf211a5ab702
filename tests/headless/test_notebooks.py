"""Every notebook runs from top to bottom without a browser, as in CI: nbval with the headless page.

The first one runs in JupyterLab, too: see tests/e2e/test_talk.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.limits import HANGS

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
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


def text_of(outputs: list[dict[str, Any]]) -> str:
    return "".join(output.get("text", "") for output in outputs)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_without_a_browser(notebook, tmp_path):
    outputs = outputs_of(notebook, tmp_path)
    assert outputs
    assert [output for output in outputs if output["output_type"] == "error"] == []
    if not notebook.stem.startswith("03"):  # a tool of that one fails on purpose, and hosts may show it
        assert [output for output in outputs if output.get("name") == "stderr"] == []
    if notebook.stem.startswith("04"):
        pictures = [output for output in outputs if "image/png" in output.get("data", {})]
        assert len(pictures) == 3, "the clip, the recording, the statistics; each once"
        assert "jitter buffer" in text_of(outputs).casefold()
        assert "opus 48000" in text_of(outputs)
