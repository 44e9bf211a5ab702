from __future__ import annotations

import asyncio

import pytest

from rtc_widget.local.process import Address, running_address
from rtc_widget.signaling.local import Local


@pytest.fixture(scope="session")
def local_server() -> Local:
    """The embedded server, its models loaded; one process for all tests."""
    local = Local()
    asyncio.run(local.prepare(lambda _: None))
    return local


@pytest.fixture
def address(local_server: Local) -> Address:
    found = running_address()
    assert found is not None
    return found
