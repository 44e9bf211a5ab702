"""What is repeated to a call that resumes another, by `realtime_heard.json`, as in the page's contract test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtc_widget.comm.settings import CallSettings

CASES = json.loads((Path(__file__).parent / "realtime_heard.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_a_page_without_a_browser_repeats_what_was_heard(case: dict[str, Any]) -> None:
    pytest.importorskip("aiortc")
    from rtc_widget.headless.session import PageSession

    session = PageSession("p1", lambda message: None, CallSettings().to_wire())
    for event in case["events"]:
        session.event_passed("a1", "received", json.dumps(event))
    await session.close()
    repeated = [json.loads(text)["item"]["content"][0]["text"] for text in session._resumption.events()]
    assert repeated == case["heard"]
