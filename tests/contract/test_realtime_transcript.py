"""Transcripts and who speaks, by `realtime_transcript.json`, as in `js/test/protocols/realtime/contract.test.ts`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtc_widget import Transcript, VoiceChat
from rtc_widget.comm.settings import CallSettings
from rtc_widget.testing import ScriptedPage

CASES = json.loads((Path(__file__).parent / "realtime_transcript.json").read_text(encoding="utf-8"))["cases"]


def test_there_are_enough_cases_and_each_has_a_name_of_its_own() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_transcript_is_the_one_of_the_contract(case: dict[str, Any]) -> None:
    turns = Transcript(case["events"])
    assert [[turn.role, turn.text, turn.status] for turn in turns] == case["transcript"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_call_shows_the_transcript_and_who_speaks(case: dict[str, Any]) -> None:
    # Without a server: the output of an unknown tool would get a response that is not in the case.
    chat = VoiceChat(page=(page := ScriptedPage(acts=False)))
    page.hello()
    page.connected()
    for event in case["events"]:
        page.events(event)
    assert [[turn.role, turn.text, turn.status] for turn in chat.transcript] == case["transcript"]
    assert (chat.user_speaking, chat.assistant_speaking) == (case["user_speaking"], case["assistant_speaking"])
    chat.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_a_page_without_a_browser_repeats_the_same_transcript_to_the_next_call(case: dict[str, Any]) -> None:
    pytest.importorskip("aiortc")
    from rtc_widget.headless.session import PageSession

    session = PageSession("p1", lambda message: None, CallSettings().to_wire())
    for event in case["events"]:
        session.event_passed("a1", "received", json.dumps(event))
    await session.close()
    turns = session._resumption.transcript
    assert [[turn.role, turn.text, turn.status] for turn in turns] == case["transcript"]
