"""The history that the kernel sends to a page that opens late."""

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
    ask(late)
    answer = (await late.hears("reply"))["result"]
    told = [(call["attempt"], call["resumes"], _types(call["events"])) for call in answer["calls"]]
    assert told == [
        ("a1", False, ["session.created", "response.output_text.done"]),
        ("a2", True, ["session.created"]),
    ]
    assert (answer["next"], answer["more"]) == (4, False)


def ask(page, number=1, *, first=0, before=None, brief=True, without=()):
    page.say("history", id=f"{page.page}:{number}", first=first, before=before, brief=brief, without=[*without])


def _types(events):
    return [json.loads(text)["type"] for _, _, text in events]


async def test_the_whole_log_is_told_with_times_and_what_was_sent_but_without_the_page_s_own_calls(chat, page):
    page.hello()
    page.connected("a1")
    page.events({"type": "one.delta"})
    page.events({"type": "two"}, direction="sent")
    page.connected("a2")
    page.events({"type": "three"}, attempt="a2")
    page.connected("a3")
    page.events({"type": "four"}, attempt="a3")
    await settled()
    ask(page, brief=False, without=["a2"])
    answer = (await page.hears("reply"))["result"]
    assert [_types(call["events"]) for call in answer["calls"]] == [["one.delta", "two"], ["four"]]
    direction, time_ms, _ = answer["calls"][0]["events"][1]
    assert (direction, time_ms) == ("sent", 1_795_286_400_001.0)
    assert (answer["next"], answer["more"]) == (4, False)

    ask(page, 2, first=1, before=3, brief=False)
    answer = (await page.hears("reply", 2))["result"]
    assert [_types(call["events"]) for call in answer["calls"]] == [["two"], ["three"]]
    assert (answer["first"], answer["next"], answer["more"]) == (1, 3, False)


async def test_a_brief_account_keeps_the_session_s_settings(chat, page):
    page.hello()
    page.connected("a1")
    page.events({"type": "session.update", "session": {}}, {"type": "response.create"}, direction="sent")
    await settled()
    ask(page)
    [call] = (await page.hears("reply"))["result"]["calls"]
    assert _types(call["events"]) == ["session.update"]


async def test_what_has_gone_from_the_log_is_passed_over(chat, page):
    chat.events.limit = 2
    page.hello()
    page.events(*({"type": f"e{number}"} for number in range(5)))
    await settled()
    ask(page, brief=False)
    answer = (await page.hears("reply"))["result"]
    assert _types(answer["calls"][0]["events"]) == ["e3", "e4"]
    assert (answer["first"], answer["next"]) == (3, 5)


async def test_a_long_past_is_told_in_pieces_without_holes(chat, page):
    page.hello()
    for number in range(40):
        page.events({"type": "x", "number": number, "weight": "w" * 20_000})
    await settled()
    numbers, first, pieces, more = [], 0, 0, True
    while more:
        pieces += 1
        ask(page, pieces, first=first)
        answer = (await page.hears("reply", pieces))["result"]
        numbers += [json.loads(text)["number"] for call in answer["calls"] for _, _, text in call["events"]]
        first, more = answer["next"], answer["more"]
    assert numbers == list(range(40))
    assert pieces > 2


async def test_a_page_that_comes_before_any_call_is_told_nothing(chat, page):
    page.hello()
    ask(page)
    assert (await page.hears("reply"))["result"] == {"calls": [], "first": 0, "next": 0, "more": False}


async def test_a_new_page_is_told_the_pieces_of_a_text_that_was_never_finished(chat, page):
    page.hello()
    page.connected("a1")

    def delta(item, text):
        return {"type": "response.output_text.delta", "item_id": item, "response_id": "r1", "delta": text}

    page.events(delta("i1", "Whole"), {"type": "response.output_text.done", "item_id": "i1", "text": "Whole"})
    page.events(delta("i2", "Hal"), delta("i2", "f"), {"type": "response.output_audio.delta", "delta": "AAAA"})
    page.state("a2", resumes=True, status="connected")
    page.events({"type": "session.created"}, delta("i1", "Now"), attempt="a2")
    await settled()
    ask(page)
    calls = (await page.hears("reply"))["result"]["calls"]
    assert [[json.loads(text).get("delta") for _, _, text in call["events"]] for call in calls] == [
        [None, "Hal", "f"],
        [None, "Now"],
    ]
