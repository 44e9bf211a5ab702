"""A misspelt event type is refused at once, and names that nobody knows here are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rtc_widget import VoiceChat
from rtc_widget.conversation.misspelt_events import require_likely
from rtc_widget.errors import UnknownEvent
from rtc_widget.protocols.base import NamesEvents, protocol_named
from rtc_widget.protocols.realtime.event_names import EVENT_NAMES
from rtc_widget.testing import ScriptedPage

CONTRACT = json.loads((Path(__file__).parents[2] / "contract/realtime_event_names.json").read_text(encoding="utf-8"))


def test_the_realtime_protocol_names_the_events_of_the_contract():
    protocol = protocol_named("realtime")
    assert isinstance(protocol, NamesEvents)
    assert set(protocol.event_names) == {name for side in ("client", "server", "beta") for name in CONTRACT[side]}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("response.doen", "response.done"),
        ("respons.done", "response.done"),
        ("Response.done", "response.done"),
        ("response_done", "response.done"),
        ("session.update ", "session.update"),
        ("eror", "error"),
        ("reponse.*", "response.*"),
        ("conversation.itm.*", "conversation.item.*"),
    ],
)
def test_what_is_almost_a_name_is_refused_with_the_name(written, meant):
    with pytest.raises(UnknownEvent, match=r"No event is called") as refused:
        require_likely(written, EVENT_NAMES)
    assert refused.value.hint.startswith(f"Did you mean {meant!r}?")


@pytest.mark.parametrize(
    "written",
    [
        "*",
        "response.*",
        "*.done",
        "response.doe[n]",
        "x",
        "x.*",
        "response.output_video.delta",
        "response.new",
        "",
        "*x",
    ],
)
def test_other_names_are_taken(written):
    require_likely(written, EVENT_NAMES)


def test_a_name_that_has_occurred_is_taken():
    require_likely("response.dane", EVENT_NAMES, ["response.dane"])


@pytest.fixture
async def chat():
    chat = VoiceChat(page=ScriptedPage())
    await chat.connect()
    yield chat
    chat.close()


async def test_wait_for_on_and_stream_refuse_it_at_once(chat):
    with pytest.raises(UnknownEvent, match=r"Did you mean 'response\.done'"):
        await chat.wait_for("response.doen", timeout=None)
    with pytest.raises(UnknownEvent):
        chat.on("response.doen", print)
    with pytest.raises(UnknownEvent):
        chat.stream("reponse.*")


async def test_what_a_hint_says_can_be_done(chat):
    chat._page.receives({"type": "response.doen"})
    chat.on("response.doe[n]", print)
