"""A call that resumes another gets the conversation at its start: later nothing can be added to it."""

from __future__ import annotations

import pytest

from rtc_widget.conversation.turn import FunctionResult, Turn
from rtc_widget.headless.resumption import Resumption
from rtc_widget.protocols.live.history import history_messages
from rtc_widget.protocols.live.protocol import PROTOCOL
from tests.limits import eventually
from tests.unit.conftest import ScriptedSignaling


class LiveSignaling(ScriptedSignaling):
    protocol = "live"
    delegate = None
    takes_tools = True


WORDS = {"type": "session.input_transcript.delta", "delta": "Roll a die.", "start_ms": 0, "end_ms": 200}
STARTED = {"type": "session.started", "session": {"id": "live_1", "status": "active"}}


@pytest.fixture
def signaling():
    return LiveSignaling()


@pytest.fixture
def page(chat):
    return chat._page


async def exchanged(signaling, page, attempt, *, resumes):
    count = len(signaling.offers)
    page.state(attempt, resumes=resumes, status="connecting")
    page.say("exchange", id=f"x{attempt}", attempt=attempt, sdp="v=0\r\noffer\r\n")
    await eventually(lambda: len(signaling.offers) > count)
    page.connected(attempt) if not resumes else page.state(attempt, resumes=True)
    page.events(STARTED, attempt=attempt)
    return signaling.offers[-1][1]


async def test_the_conversation_goes_into_the_next_session(chat, page, signaling):
    page.hello()
    assert "input" not in await exchanged(signaling, page, "a1", resumes=False)
    page.events(WORDS, attempt="a1")
    await page.settled()
    session = await exchanged(signaling, page, "a2", resumes=True)
    [message] = session["input"]
    assert (message["role"], message["content"][0]["text"]) == ("user", "Roll a die.")
    assert session["instructions"] == "Be brief."


HANDED_OVER = {"type": "session.delegation.created", "offset_ms": 200}


async def test_delegations_that_the_end_of_a_call_drops_are_told(chat, page, signaling, caplog):
    page.hello()
    await exchanged(signaling, page, "a1", resumes=False)
    page.events({**HANDED_OVER, "delegation": {"id": "item_1", "target": "responses"}}, attempt="a1")
    done = {"type": "session.commentary.append", "delegation_id": "item_2", "content": "Four."}
    page.events({**HANDED_OVER, "delegation": {"id": "item_2", "target": "client"}}, done, attempt="a1")
    await page.settled()
    assert "dropped" not in caplog.text
    await exchanged(signaling, page, "a2", resumes=True)
    await page.settled()
    [warning] = [record for record in caplog.records if "dropped" in record.message]
    assert warning.levelname == "WARNING"
    assert "1 delegation(s) were dropped (item_1)" in warning.message
    assert [(one.id, one.status) for one in chat.delegations] == [("item_1", "incomplete"), ("item_2", "completed")]
    await exchanged(signaling, page, "a3", resumes=True)
    await page.settled()
    assert len([record for record in caplog.records if "dropped" in record.message]) == 1


async def test_another_conversation_starts_empty(chat, page, signaling):
    page.hello()
    await exchanged(signaling, page, "a1", resumes=False)
    page.events(WORDS, attempt="a1")
    await page.settled()
    assert "input" not in await exchanged(signaling, page, "a2", resumes=False)


def test_a_session_takes_128_messages_and_8000_tokens():
    turns = [Turn("user", f"{number}", "t") for number in range(200)]
    assert [message["content"][0]["text"] for message in history_messages(turns)] == [str(n) for n in range(72, 200)]
    long = [Turn("assistant", "x" * 6_000, "t") for _ in range(10)]
    assert len(history_messages(long)) == 4
    message = {"role": "user", "content": [{"type": "input_text", "text": "x"}]}
    assert len(history_messages(turns, [message] * 120)) == 8


def test_what_the_input_has_already_takes_its_part_of_the_tokens():
    turns = [Turn("assistant", "x" * 6_000, "t") for _ in range(10)]
    given = [{"role": "developer", "content": [{"type": "input_text", "text": "x" * 15_000}]}]
    settings = PROTOCOL.with_history({"input": given}, turns, {})
    assert [message["role"] for message in settings["input"]] == ["developer", "assistant"]
    assert PROTOCOL.with_history({"input": given * 2}, turns, {}) == {"input": given * 2}


def test_functions_and_empty_turns_are_left_out():
    items = [Turn("user", " ", "t"), FunctionResult("roll", "{}", "4"), Turn("assistant", "Four.", "t")]
    assert [message["content"] for message in history_messages(items)] == [[{"type": "output_text", "text": "Four."}]]


def test_changed_settings_go_into_the_next_session():
    session = PROTOCOL.with_history({"instructions": "x"}, [], {"delegation": {"responses": {"tool_choice": "auto"}}})
    assert session == {"instructions": "x", "delegation": {"responses": {"tool_choice": "auto"}}}


def test_a_page_repeats_nothing_in_events():
    from rtc_widget.conversation.events import Event

    resumption = Resumption(PROTOCOL)
    resumption.begin_call(resumes=False)
    resumption.consume(Event(WORDS, protocol="live"), "")
    resumption.consume(Event({"type": "session.update"}, direction="sent", protocol="live"), "{}")
    assert resumption.transcript[0].text == "Roll a die."
    assert resumption.events() == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type": "session.closed", "reason": "expired"}', ""),
        ('{"type": "session.closed", "reason": "close_requested", "note": "expired"}', None),
        ('{"type": "other", "text": "session.closed expired"}', None),
        ("session.closed expired", None),
    ],
)
def test_the_end_of_a_session_that_has_expired_is_recognised(text, message):
    assert PROTOCOL.session_end(text) == message
