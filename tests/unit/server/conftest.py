from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator

import pytest

from rtc_widget.server.process import Address, running_address
from rtc_widget.signaling.local import Local
from tests.unit.server.loop_watchdog import Watchdog, watching
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


@pytest.fixture(autouse=True)
def watchdog() -> Iterator[Watchdog]:
    """Nothing in the server waits on the event loop for a lock, a process or a file, whatever a test is about."""
    with watching() as watching_all:
        yield watching_all
    assert watching_all.found == []
