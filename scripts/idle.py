"""Runs a command, and all that it starts, with the processor time that other processes leave.

Linux has a scheduling policy for that, `SCHED_IDLE` (sched(7)), which unlike a nice value no child gives up: Chromium
sets the nice values of its processes itself. Elsewhere the command gets the lowest priority.
"""

import os
import sys

if hasattr(os, "SCHED_IDLE"):
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
else:
    os.nice(19)
os.execvp(sys.argv[1], sys.argv[1:])
