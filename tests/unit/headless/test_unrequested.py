from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiortc")

from rtc_widget.comm.settings import CallSettings
from rtc_widget.headless.session import PageSession
from tests.limits import HANGS

CONTRACT = json.loads((Path(__file__).parents[2] / "contract/protocol.json").read_text())
REQUESTS = [entry["sample"] for entry in CONTRACT["to_page"].values() if "reply" in entry]
UNASKED = [entry["sample"] for entry in CONTRACT["to_page"].values() if "id" not in entry["sample"]]


@pytest.mark.parametrize("message", UNASKED, ids=lambda message: message["type"])
async def test_a_page_without_a_browser_takes_each_message_that_asks_for_nothing(
    message: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    session = PageSession("p1", lambda message: None, CallSettings().to_wire())
    session.take_settings(CallSettings().to_wire())
    session.receive(message)
    await asyncio.sleep(0)
    await session.close()
    assert caplog.records == []


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request["type"])
async def test_a_page_without_a_browser_knows_each_request(request_: dict[str, Any]) -> None:
    sent: list[dict[str, Any]] = []
    session = PageSession("p1", sent.append, CallSettings().to_wire())
    session.receive(request_)
    # A connection would be made at an unknown time; an unknown request is refused at once.
    await asyncio.sleep(0)
    await session.close()
    assert [message for message in sent if "does not support" in str(message.get("error"))] == []


async def test_a_page_without_a_browser_replies_that_it_has_released_the_call() -> None:
    sent: list[dict[str, Any]] = []
    session = PageSession("p1", sent.append, CallSettings().to_wire())
    session.receive(CONTRACT["to_page"]["release_call"]["sample"])
    async with asyncio.timeout(HANGS):
        while not any(message["type"] == "reply" for message in sent):
            await asyncio.sleep(0)
    await session.close()
    assert [message["result"] for message in sent if message["type"] == "reply"] == [{}]
