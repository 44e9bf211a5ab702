from __future__ import annotations

import pytest

from rtc_widget import Local, OpenAI, VoiceChat
from rtc_widget.errors import InvalidSession
from rtc_widget.protocols.realtime.session_settings import MAX_SESSION_BYTES, session_settings

LONG = "word " * 80_000


@pytest.mark.parametrize(
    "make",
    [
        lambda: VoiceChat(instructions=LONG),
        lambda: VoiceChat(Local(instructions=LONG)),
        lambda: VoiceChat(OpenAI("sk-x", instructions=LONG)),
        lambda: session_settings({"instructions": "ä" * (MAX_SESSION_BYTES // 2)}),
    ],
    ids=["widget", "local", "openai", "bytes"],
)
def test_settings_that_the_server_cannot_confirm_are_refused_when_they_are_made(make):
    with pytest.raises(InvalidSession, match=r"must be at most 200,000 bytes as JSON, got [\d,]+\."):
        make()


def test_long_settings_that_can_be_confirmed_are_taken():
    assert len(session_settings({"instructions": "x" * 190_000})["instructions"]) == 190_000
