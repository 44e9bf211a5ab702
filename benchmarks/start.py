"""Measures how long it takes to begin: import, `VoiceChat()`, its first display, and `Local()` until it is ready.

Each measurement has a new Python process. The reference is what anywidget itself takes with a widget of one line. For
`Local()` cold, the files of the installed packages, models included, are taken out of the system's file cache; warm,
they are in it; running, this process has a server already.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks._comparison import Comparison, Results, Skipped, interleaved

ROUNDS, QUICK_ROUNDS = 9, 3
LOCAL_ROUNDS, QUICK_LOCAL_ROUNDS = 5, 1
SMALLEST_FILE = 50_000
"""Smaller files make no difference, and there are very many of them."""

PLAIN = """
import anywidget
class Plain(anywidget.AnyWidget):
    _esm = "export default { render({ el }) { el.textContent = 'plain' } }"
"""
TIMED = "import time; began = time.perf_counter()\n{timed}\nprint(time.perf_counter() - began)\n"
WIDGET = "import rtc_widget; rtc_widget.VoiceChat\n"
NEW_WIDGET = "chat = rtc_widget.VoiceChat(rtc_widget.OpenAI('not-a-key'))"
READY = "import asyncio; asyncio.run(rtc_widget.Local().prepare(lambda text: None))"

STEPS: dict[str, dict[str, str]] = {
    "import": {
        "anywidget": TIMED.format(timed="import anywidget"),
        "rtc_widget": TIMED.format(timed="import rtc_widget; rtc_widget.VoiceChat"),
        "rtc_widget, after anywidget": "import anywidget\n" + TIMED.format(timed=WIDGET),
    },
    "make a widget": {
        "anywidget": PLAIN + TIMED.format(timed="Plain()"),
        "rtc_widget": WIDGET + TIMED.format(timed=NEW_WIDGET),
    },
    "first display": {
        "anywidget": PLAIN + "plain = Plain()\n" + TIMED.format(timed="plain._repr_mimebundle_()"),
        "rtc_widget": WIDGET + NEW_WIDGET + "\n" + TIMED.format(timed="chat._repr_mimebundle_()"),
    },
}
RUNNING = WIDGET + READY + "\n" + TIMED.format(timed=READY.replace("import asyncio; ", ""))
NEW_SERVER = TIMED.format(timed=WIDGET + READY)


def run(quick: bool) -> Results:
    """Measure each step, and the embedded server."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    for step, programs in STEPS.items():
        steps = {name: partial(_milliseconds, program) for name, program in programs.items()}
        yield Comparison(step, "ms", "anywidget", interleaved(steps, rounds))
    rounds = QUICK_LOCAL_ROUNDS if quick else LOCAL_ROUNDS
    ways: dict[str, Callable[[], float]] = {
        "warm": partial(_milliseconds, NEW_SERVER),
        "running": partial(_milliseconds, RUNNING),
    }
    if hasattr(os, "posix_fadvise"):
        ways["cold"] = _milliseconds_cold
    else:
        yield Skipped("Local() ready, cold", "this system cannot take files out of its cache")
    yield Comparison(
        "Local() ready, import included", "ms", "warm", interleaved(ways, rounds, warm_up=0 if quick else 1)
    )


def _milliseconds(program: str) -> float:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "RTC_WIDGET_"))}
    printed = subprocess.check_output([sys.executable, "-c", program], env=environment, text=True)
    return float(printed.splitlines()[-1]) * 1000


def _milliseconds_cold() -> float:
    drop_from_cache(Path(sysconfig.get_path("purelib")))
    return _milliseconds(NEW_SERVER)


def drop_from_cache(folder: Path) -> None:
    """Take the files of a folder out of the system's file cache, except those that a process has mapped."""
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size >= SMALLEST_FILE:
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
