"""FastRTC and Pipecat in an environment of their own, and the signalings of docs/signaling.md that call them."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rtc_widget
from tests.limits import HANGS
from tests.processes import end

ROOT = Path(__file__).parents[2]
INSTALLED = ROOT / ".cache/peers/bin/python"
PYTHON = os.environ.get("RTC_WIDGET_PEERS") or str(INSTALLED if INSTALLED.exists() else sys.executable)
"""A Python that has the packages of the group `peers`, where they are installed."""


class NotRunning(Exception):
    """A server of a package does not run. The message gives the reason."""


def has(module: str) -> bool:
    """Return whether the packages have this module, and it can be imported."""
    tried = subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True, check=False)
    return tried.returncode == 0


def documented(name: str) -> Any:
    """Return a class of docs/signaling.md."""
    page = (ROOT / "docs/signaling.md").read_text(encoding="utf-8")
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if f"class {name}" in block]
    body = code[code.index("class ") :].strip()
    assert len(body.splitlines()) <= 17
    names: dict[str, Any] = {}
    exec(code, names)
    return names[name]


@contextmanager
def running(module: str, name: str, arguments: Sequence[str] = ()) -> Iterator[str]:
    """Run ``python -m module name PORT arguments`` with the Python of the packages, and yield the URL of this server.

    Raises
    ------
    NotRunning
        When the process ends before it listens.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    paths = os.pathsep.join([str(ROOT), str(Path(rtc_widget.__file__).parents[1])])
    with tempfile.NamedTemporaryFile() as log:
        process = subprocess.Popen(
            [PYTHON, "-m", module, name, str(port), *arguments],
            cwd=ROOT,
            # Nothing is downloaded, and nothing is reported.
            env=os.environ | {"PYTHONPATH": paths, "HF_HUB_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False"},
            stdout=log,
            stderr=log,
        )
        try:
            _wait_until_it_listens(process, f"http://127.0.0.1:{port}", Path(log.name))
            yield f"http://127.0.0.1:{port}"
        finally:
            end(process)


def _wait_until_it_listens(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + HANGS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while process.poll() is None:
        try:
            opener.open(url, timeout=HANGS).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise NotRunning(f"it does not listen: {error}") from None
            time.sleep(0.1)
    said = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    raise NotRunning(said[-1].strip() if said else f"its process ended with exit code {process.returncode}")
