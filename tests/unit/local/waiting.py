"""What a test of time must not be blamed for: that the system let others go first."""

from __future__ import annotations

import threading
from pathlib import Path


def waited() -> float:
    """Return for how many seconds this thread has waited for a processor; 0 where the system does not tell."""
    try:
        told = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat").read_text()
    except OSError:
        return 0.0
    return int(told.split()[1]) / 1e9
