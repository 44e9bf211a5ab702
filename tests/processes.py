"""Processes that tests start."""

from __future__ import annotations

import subprocess

from tests.limits import HANGS


def end(process: subprocess.Popen[bytes], seconds: float = HANGS) -> None:
    """Ask a process to end, kill it if it has not after so many seconds, and wait for its end."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
