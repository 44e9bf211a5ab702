"""What a page that comes late is told."""

from __future__ import annotations

import json

from tests.unit.waiting import settled


async def test_a_new_page_is_told_what_was_said_by_calls_without_the_pieces_of_words(chat, page):
    page.hello()
    page.connected("a1")
    page.events({"type": "session.created"}, {"type": "response.output_text.delta", "item_id": "i1", "delta": "He"})
    page.events({"type": "response.output_text.done", "item_id": "i1", "text": "Hello"})
    page.state("a2", resumes=True, status="connected")
    page.events({"type": "session.created"}, attempt="a2")
    await settled()

    late = page.beside("p2")
    late.hello()
    late.say("recall", id="p2:1", first=0)
    answer = (await late.hears("reply"))["result"]
    told = [
        (call["attempt"], call["resumes"], [json.loads(text)["type"] for text in call["events"]])
        for call in answer["calls"]
    ]
    assert told == [
        ("a1", False, ["session.created", "response.output_text.done"]),
        ("a2", True, ["session.created"]),
    ]
    assert answer["next"] is None


def _types(events):
    return [json.loads(text)["type"] for text in events]


async def test_a_long_past_is_told_in_pieces_without_holes(chat, page):
    page.hello()
    for number in range(40):
        page.events({"type": "x", "number": number, "weight": "w" * 20_000})
    await settled()
    numbers, first, pieces = [], 0, 0
    while first is not None:
        pieces += 1
        page.say("recall", id=f"p1:{pieces}", first=first)
        answer = (await page.hears("reply", pieces))["result"]
        numbers += [json.loads(text)["number"] for call in answer["calls"] for text in call["events"]]
        first = answer["next"]
    assert numbers == list(range(40))
    assert pieces > 2


async def test_a_page_that_comes_before_any_call_is_told_nothing(chat, page):
    page.hello()
    page.say("recall", id="p1:1", first=0)
    assert (await page.hears("reply"))["result"] == {"calls": [], "next": None}
