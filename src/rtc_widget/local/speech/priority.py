"""Who goes first when there is more to do than the machine can: the media, every 20 ms, before the engines."""

from __future__ import annotations

import os
import sys
import threading

NICER = 10
"""By so many steps: it gets about a tenth of the processor's time of one that did not step back, if both want it."""

SWITCH_SECONDS = 0.001
"""After so long a thread gives the interpreter to the one that waits; Python's own 5 ms are a quarter of a frame."""


def step_back() -> None:
    """Give the calling thread, and those it will make, a lower priority; only Linux has one for each thread."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + NICER))


def switch_often() -> None:
    """Make this process's threads take turns often enough for sound."""
    sys.setswitchinterval(SWITCH_SECONDS)
