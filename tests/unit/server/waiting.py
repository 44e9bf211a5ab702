"""What a test of time must not be blamed for: that the system let others go first."""

from __future__ import annotations

import threading
from pathlib import Path


def waited(thread: int | None = None) -> float:
    """Return for how many seconds a thread, this one or another, has waited for a processor; 0 where nobody tells.

    The first thread of a process has the process's id.
    """
    thread = thread or threading.get_native_id()
    try:
        told = Path(f"/proc/{thread}/task/{thread}/schedstat").read_text()
    except OSError:
        return 0.0
    return int(told.split()[1]) / 1e9
