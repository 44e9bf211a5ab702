from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rtc_widget import PeerConnection
from tests.unit.peers.page_double import PeerPage


@pytest.fixture
def page() -> PeerPage:
    return PeerPage()


@pytest.fixture
async def pc(page: PeerPage) -> AsyncIterator[PeerConnection]:
    connection = PeerConnection(page=page)
    yield connection
    connection.remove()
