from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from rtc_widget.server.process import Address, running_address
from rtc_widget.signaling.local import Local
from tests.unit.server.official import validate
from tests.unit.server.stage import Stage


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


@pytest.fixture
async def stage() -> AsyncGenerator[Stage, None]:
    made = Stage()
    yield made
    await made.engine.end()
    # Whatever a test was about: everything it saw is what OpenAI's own client expects.
    validate(made.events)
