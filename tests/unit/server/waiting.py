"""Measures how long the system has kept a thread waiting, which a test of time limits must subtract."""

from __future__ import annotations

import threading
from pathlib import Path


def waited(thread: int | None = None) -> float:
    """Return how long a thread, by default this one, has waited for a processor, in seconds; 0 if unknown.

    The id of the first thread of a process is the id of the process.
    """
    thread = thread or threading.get_native_id()
    try:
        told = Path(f"/proc/{thread}/task/{thread}/schedstat").read_text()
    except OSError:
        return 0.0
    return int(told.split()[1]) / 1e9
