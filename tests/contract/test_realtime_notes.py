"""Errors of the server that a person is shown, by `realtime_notes.json`; the page's tests assert the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtc_widget.comm.settings import CallSettings
from rtc_widget.conversation.event_reader import facts_of
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.facts import ServerNote

CASES = json.loads((Path(__file__).parent / "realtime_notes.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_notes_are_those_of_the_contract(case: dict[str, Any]) -> None:
    facts = [fact for event in case["events"] for fact in facts_of(Event(event))]
    notes = [{"code": fact.code, "message": fact.message} for fact in facts if isinstance(fact, ServerNote)]
    assert notes == case["notes"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_the_headless_page_logs_those_that_end_no_response(
    case: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("aiortc")
    from rtc_widget.headless.session import PageSession

    session = PageSession("p1", lambda message: None, CallSettings().to_wire())
    for event in case["events"]:
        session.event_passed("a1", "received", json.dumps(event))
    await session.close()
    logged = [record.args for record in caplog.records if record.levelname == "WARNING"]
    facts = [fact for event in case["events"] for fact in facts_of(Event(event))]
    ends = [fact.ends_response for fact in facts if isinstance(fact, ServerNote)]
    notes = [(note["code"], note["message"]) for note in case["notes"]]
    # The kernel half, in this same process, logs the others.
    assert logged == [note for note, ends_response in zip(notes, ends, strict=True) if not ends_response]
