"""Sessions with more events than the log keeps."""

from __future__ import annotations

import json
import zipfile

import pytest

from rtc_widget import VoiceChat
from rtc_widget.conversation.event_log import EventLog
from rtc_widget.conversation.events import Event
from rtc_widget.conversation.usage import Usage
from tests.unit.waiting import settled

PRICES = {"text_input": 4.0, "text_output": 16.0}


def done(response_id: str, tokens: int) -> dict:
    usage = {"input_tokens": tokens, "output_tokens": 1}
    return {"type": "response.done", "response": {"id": response_id, "status": "completed", "usage": usage}}


@pytest.fixture
async def long_session(chat, server):
    chat.events.limit = 10
    await server.connect()
    for number in range(20):
        await server.says(done(f"r{number}", 100))
    return chat


async def test_usage_counts_what_the_log_has_dropped(long_session):
    assert (len(long_session.events), long_session.events.dropped) == (10, 11)
    assert long_session.usage.input_tokens == 2000
    assert len(long_session.usage.to_pandas()) == 20
    assert long_session.usage.cost(PRICES) == pytest.approx(20 * (100 * 4 + 16) / 1e6)


async def test_what_was_used_at_one_moment_does_not_grow(long_session, server):
    before = long_session.usage
    await server.says(done("another", 5))
    assert (before.input_tokens, long_session.usage.input_tokens) == (2000, 2005)


async def test_what_came_late_of_an_earlier_call_is_counted(chat, server, page):
    await server.connect("a1")
    page.connected("a2")
    page.events({"type": "session.created", "session": {}}, attempt="a2")
    page.events(done("late", 7), attempt="a1")
    await settled()
    assert chat.usage.input_tokens == 7


async def test_a_saved_session_knows_what_all_of_it_has_used(long_session, tmp_path):
    path = long_session.save(tmp_path / "long.zip")
    again = VoiceChat.load(path)
    assert len(again.events) == 10
    assert again.usage.entries == long_session.usage.entries
    assert again.usage == long_session.usage


async def test_a_file_without_the_usage_is_counted_by_its_events(long_session, tmp_path):
    path, older = long_session.save(tmp_path / "long.zip"), tmp_path / "older.zip"
    with zipfile.ZipFile(path) as new, zipfile.ZipFile(older, "w") as old:
        for name in new.namelist():
            content = new.read(name)
            if name == "session.json":
                about = json.loads(content)
                del about["usage"]
                content = json.dumps(about).encode()
            old.writestr(name, content)
    assert VoiceChat.load(older).usage.input_tokens == 1000


def test_a_part_of_what_was_used_can_be_summed():
    usage = Usage(Event(done(f"r{number}", 10)) for number in range(5))
    assert Usage.of(usage.entries[-2:]).input_tokens == 20


def test_a_smaller_limit_drops_the_oldest_at_once():
    log = EventLog(Event({"type": str(number)}) for number in range(3000))
    log.limit = 2
    assert ([event.type for event in log], log.dropped) == (["2998", "2999"], 2998)
    log.append(Event({"type": "new"}))
    assert [event.type for event in log] == ["2999", "new"]
    with pytest.raises(ValueError, match="at least 1, got"):
        log.limit = 0
    assert log.limit == 2
