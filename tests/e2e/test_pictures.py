"""The documentation shows every state of the interface, and no other."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.e2e.lab import ROOT


def test_the_page_of_the_interface_has_a_picture_of_every_state():
    command = [sys.executable, "scripts/take_pictures.py", "--check"]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "docs/interface.md is complete."), done.stdout + done.stderr
