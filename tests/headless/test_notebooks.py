"""Every notebook runs from top to bottom without a browser, as in CI: nbval with the headless page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_without_a_browser(notebook, tmp_path):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "JUPYTER"))}
    environment |= {"RTC_WIDGET_PAGE": "headless", "IPYTHONDIR": str(tmp_path / "ipython"), "MPLBACKEND": "agg"}
    # An empty configuration: what the plugin itself warns of is no fault of the notebook.
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-c", str(tmp_path / "pytest.ini"), "-p", "no:cacheprovider"]
    command += [
        "--nbval-lax",
        "--nbval-current-env",
        "--nbval-cell-timeout=180",
        f"--rootdir={tmp_path}",
        str(notebook),
    ]
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert " passed" in run.stdout
