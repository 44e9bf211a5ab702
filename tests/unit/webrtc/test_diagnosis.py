from __future__ import annotations

import asyncio


async def test_the_report_reads_well(chat, page):
    page.hello()
    asking = asyncio.ensure_future(chat.diagnose())
    steps = [
        {"name": "Secure context", "outcome": "ok", "detail": "http://localhost"},
        {"name": "ICE connected", "outcome": "failed", "detail": "checking"},
        {"name": "Data channel opened", "outcome": "not reached", "detail": ""},
    ]
    pair = {"local": "host 10.0.0.1:9", "remote": "host 10.9.9.9:3478", "protocol": "udp", "state": "failed"}
    pairs = [pair | {"sent": 9, "answered": 0, "selected": False}, pair | {"state": "succeeded", "selected": True}]
    await page.reply(
        "diagnose", result={"steps": steps, "pairs": pairs, "cause": "The connection failed.", "hint": "Try TURN."}
    )
    report = await asking
    assert str(report).splitlines() == [
        "✓ Secure context: http://localhost",
        "✕ ICE connected: checking",
        "· Data channel opened",
        "",
        "Candidate pairs:",
        "  host 10.0.0.1:9 → host 10.9.9.9:3478 (udp): failed, 9 checks sent, 0 answered",
        "  host 10.0.0.1:9 → host 10.9.9.9:3478 (udp): succeeded, in use",
        "",
        "Likely cause: The connection failed.",
        "What to do: Try TURN.",
    ]
    assert report.stopped_at.name == "ICE connected"
