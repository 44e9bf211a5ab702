from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.limits import HANGS

CACHE = Path(__file__).parents[3] / ".cache"


@pytest.fixture(params=["", "7.3.0", "6.31.0"], ids=lambda version: version or "this ipykernel")
def ipykernel(request: pytest.FixtureRequest) -> str:
    """The version of ipykernel: the environment's, which is empty, and those that `scripts/test` installs."""
    return str(request.param)


@pytest.fixture
def kernel_client(ipykernel: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
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
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
