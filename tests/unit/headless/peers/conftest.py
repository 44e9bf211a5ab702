from __future__ import annotations

import asyncio

import pytest

from tests.unit.headless.peer_driver import (
    PeerDriver,
    nothing_goes_on,
    open_peers,
    page_tasks,
)


@pytest.fixture
async def make():
    made = []
    before, open_before = await page_tasks(), open_peers()

    def one(engine):
        made.append(PeerDriver(engine))
        return made[-1]

    yield one
    for driver in made:
        await asyncio.wrap_future(driver.page._end())
    await nothing_goes_on(before)
    assert open_peers() == open_before
