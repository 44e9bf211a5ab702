from __future__ import annotations

import os
import queue
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.limits import HANGS

LEFT_UNREAD = 90
"""Seconds after which a request to ipykernel 7.3.0 counts as left unread."""
CACHE = Path(__file__).parents[3] / ".cache"


@pytest.fixture(params=["", "7.3.0", "6.31.0"], ids=lambda version: version or "this ipykernel")
def ipykernel(request: pytest.FixtureRequest) -> str:
    """The version of ipykernel: the environment's, which is empty, and those that `scripts/test` installs."""
    return str(request.param)


class KernelClient:
    """A client of a real kernel: runs cells, and gives what the kernel publishes in its order."""

    def __init__(self, client: Any, ipykernel: str, manager: Any) -> None:
        self._client = client
        self._manager = manager
        self._ipykernel = ipykernel
        self._published: deque[dict[str, Any]] = deque()

    def run(self, code: str) -> str:
        """Run a cell and return the id of its request."""
        cell: str = self._client.execute(code)
        # ipykernel 7.3.0 may leave a request unread that arrives while it replies (docs/hosts.md). The next request
        # waits until the kernel is idle; should it be left unread even so, the kernel says nothing more.
        may_stop = self._ipykernel == "7.3.0"
        patience = LEFT_UNREAD if may_stop else HANGS
        try:
            reply = self._client.get_shell_msg(timeout=patience)
            assert reply["content"]["status"] == "ok", reply["content"].get("traceback")
            over = time.monotonic() + patience
            while not self._is_idle_after(cell):
                self._published.append(self._client.get_iopub_msg(timeout=max(0.0, over - time.monotonic())))
        except queue.Empty:
            if may_stop:
                pytest.skip("this kernel of ipykernel 7.3.0 has stopped, see docs/hosts.md")
            raise
        return cell

    def stopped(self, code: str) -> str:
        """Run a cell, press Stop when it has printed something, and return what it shows of its end."""
        cell: str = self._client.execute(code)
        over = time.monotonic() + HANGS
        while True:
            message = self._client.get_iopub_msg(timeout=max(0.0, over - time.monotonic()))
            if message["parent_header"].get("msg_id") != cell:
                continue
            if message["msg_type"] == "stream":
                self._manager.interrupt_kernel()
            if message["msg_type"] == "error":
                return "\n".join(message["content"]["traceback"])

    def _is_idle_after(self, cell: str) -> bool:
        return any(
            message["msg_type"] == "status"
            and message["content"]["execution_state"] == "idle"
            and message["parent_header"].get("msg_id") == cell
            for message in self._published
        )

    def published(self) -> dict[str, Any]:
        """Return the next message that the kernel has published; raise `queue.Empty` if none comes for a while."""
        if self._published:
            return self._published.popleft()
        message: dict[str, Any] = self._client.get_iopub_msg(timeout=0.5)
        return message


@pytest.fixture
def kernel_client(ipykernel: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[KernelClient]:
    """A client of a real kernel."""
    jupyter_client = pytest.importorskip("jupyter_client")
    pytest.importorskip("ipykernel")
    if ipykernel:
        folder = CACHE / f"ipykernel-{ipykernel}"
        if not folder.is_dir():
            pytest.skip(f"ipykernel {ipykernel} is not installed")
        monkeypatch.setenv("PYTHONPATH", str(folder) + os.pathsep + os.environ.get("PYTHONPATH", ""))
    manager, client = jupyter_client.manager.start_new_kernel(startup_timeout=HANGS)
    try:
        yield KernelClient(client, ipykernel, manager)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
