"""The voice server as a process of its own: it outlives kernels, and tells which calls it has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.limits import HANGS
from tests.processes import end

TOKEN = "canary-token-7041"


@dataclass(frozen=True)
class VoiceServer:
    url: str
    pid: int

    @property
    def signaling(self) -> str:
        """The Python expression that calls this server."""
        return f"rtc_widget.OpenAI({TOKEN!r}, base_url={self.url + '/v1'!r})"

    def calls(self) -> list[str]:
        """Return the ids of the calls in progress."""
        request = urllib.request.Request(f"{self.url}/health", headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=HANGS) as response:
            ids: list[str] = json.load(response)["call_ids"]
        return ids

    def wait_for_calls(self, count: int) -> list[str]:
        """Wait until there are that many calls, and return their ids."""
        deadline = time.monotonic() + HANGS
        while len(ids := self.calls()) != count:
            assert time.monotonic() < deadline, f"the server still has the calls {ids}"
            time.sleep(0.05)
        return ids


@contextmanager
def voice_server(
    host: str = "127.0.0.1", port: int = 0, *, prefix: Sequence[str] = (), options: Sequence[str] = ()
) -> Iterator[VoiceServer]:
    """Run `rtc-widget serve` with short answers; `prefix` may put it into another network namespace."""
    program = Path(__file__).with_name("serve_short_answers.py")
    command = [*prefix, sys.executable, str(program), "serve", f"--host={host}", f"--port={port}", *options]
    environment = os.environ | {"RTC_WIDGET_TOKEN": TOKEN, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
    with tempfile.NamedTemporaryFile() as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield VoiceServer(_url(process, Path(log.name)), process.pid)
        finally:
            end(process)


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + HANGS
    while time.monotonic() < deadline and process.poll() is None:
        said = log.read_text()
        if "Listening on" in said and "Ctrl-C" in said:
            return said.split("Listening on ")[1].split("/v1")[0]
        time.sleep(0.1)
    raise RuntimeError(f"the voice server did not start:\n{log.read_text()}")
