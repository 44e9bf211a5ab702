from __future__ import annotations

import asyncio


async def test_the_report_reads_well(chat, page):
    page.hello()
    asking = asyncio.ensure_future(chat.diagnose())
    steps = [
        {"name": "Secure context", "outcome": "ok", "detail": "http://localhost"},
        {"name": "ICE found a way", "outcome": "failed", "detail": "checking"},
        {"name": "Data channel opened", "outcome": "not reached", "detail": ""},
    ]
    await page.answer("diagnose", result={"steps": steps, "cause": "The connection failed.", "hint": "Try TURN."})
    report = await asking
    assert str(report).splitlines() == [
        "✓ Secure context: http://localhost",
        "✕ ICE found a way: checking",
        "· Data channel opened",
        "",
        "Likely cause: The connection failed.",
        "What to do: Try TURN.",
    ]
    assert report.stopped_at.name == "ICE found a way"
