from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiortc")

from rtc_widget.comm.settings import CallSettings
from rtc_widget.headless.session import PageSession

CONTRACT = json.loads((Path(__file__).parents[2] / "contract/protocol.json").read_text())
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
