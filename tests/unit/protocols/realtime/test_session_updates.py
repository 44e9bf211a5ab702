"""The session that the server has confirmed, changes to it, and push-to-talk."""

from __future__ import annotations

import asyncio

import pytest

from rtc_widget.errors import EventRefused, InvalidSession, NotConnected, TurnDetectionEnabled, WaitTimeout
from rtc_widget.protocols.realtime.session import Session
from tests.unit.waiting import settled

UPDATE = "session.update"
MANUAL = {"audio": {"input": {"turn_detection": None}}}


async def confirms(server, **session):
    await server.says({"type": "session.updated", "session": session})


async def test_the_session_is_what_the_server_has_said_last(chat, server):
    assert chat.session is None
    await server.connect(model="tutor", instructions="Be kind.", audio={"output": {"voice": "heart"}})
    assert chat.session.model == "tutor"
    assert chat.session.voice == chat.session.audio.output.voice == "heart"
    assert chat.session.turn_detection is None
    assert {"voice", "audio", "model"} <= set(dir(chat.session))
    assert "voice='heart'" in repr(chat.session)
    assert "Be kind." in chat.session._repr_html_()
    with pytest.raises(AttributeError, match="No field"):
        _ = chat.session.temperature


def test_a_session_says_how_it_is_changed():
    session = Session({"model": "tutor"})
    with pytest.raises(AttributeError, match=r"await chat\.update_session\(voice=…\)"):
        session.voice = "heart"
    assert session.raw == {"model": "tutor"}


async def test_a_change_is_awaited_until_the_server_confirms_it(chat, server):
    await server.connect()
    changing = asyncio.ensure_future(chat.update_session(instructions="Be brief.", turn_detection=None))
    [update] = await server.takes(UPDATE)
    assert update["session"] == {"type": "realtime", "instructions": "Be brief.", **MANUAL}
    assert not changing.done()
    await confirms(server, instructions="Be brief.", **MANUAL)
    assert (await changing).instructions == "Be brief."
    assert chat.session is await changing


async def test_each_change_gets_the_word_that_is_about_it(chat, server):
    await server.connect()
    chat.send({"type": UPDATE, "session": {"type": "realtime", "instructions": "raw"}})
    first = asyncio.ensure_future(chat.update_session(instructions="one"))
    second = asyncio.ensure_future(chat.update_session(voice="nobody"))
    third = asyncio.ensure_future(chat.update_session(instructions="three"))
    sent = await server.takes(UPDATE, UPDATE, UPDATE, UPDATE)
    await confirms(server, instructions="raw")
    assert not first.done()
    await server.refuses(sent[2], message="There is no such voice.")
    await confirms(server, instructions="one")
    await confirms(server, instructions="three")
    assert (await first).instructions == "one"
    assert (await third).instructions == "three"
    with pytest.raises(EventRefused, match="no such voice"):
        await second


async def test_a_refusal_without_a_name_is_about_the_oldest_change(chat, server):
    await server.connect()
    changing = asyncio.ensure_future(chat.update_session(voice="nobody"))
    await server.takes(UPDATE)
    error = {"message": "No such voice.", "param": "session.audio.output.voice", "event_id": None}
    await server.says({"type": "error", "error": {"message": "Something else.", "param": "item", "event_id": None}})
    assert not changing.done()
    await server.says({"type": "error", "error": error})
    with pytest.raises(EventRefused, match="No such voice"):
        await changing


async def test_a_change_without_a_confirmation_times_out(chat, server):
    await server.connect()
    with pytest.raises(WaitTimeout, match="did not confirm"):
        await chat.update_session(timeout=0.02, instructions="x")


async def test_a_change_does_not_outlive_its_call(chat, server, page):
    await server.connect()
    changing = asyncio.ensure_future(chat.update_session(instructions="x"))
    await server.takes(UPDATE)
    page.state("a1", status="idle")
    with pytest.raises(NotConnected, match="call ended"):
        await changing
    with pytest.raises(NotConnected, match="VoiceChat"):
        await chat.update_session(instructions="x")


async def test_an_unknown_setting_is_refused_before_it_is_sent(chat, server):
    await server.connect()
    with pytest.raises(InvalidSession, match="instructons"):
        await chat.update_session(instructons="x")
    with pytest.raises(TypeError, match=r"@chat\.tool"):
        await chat.update_session(tools=[])
    assert await server.take() == []


# Push-to-talk


async def test_talking_is_begun_and_ended_by_the_page(chat, server, page):
    await server.connect(**MANUAL)
    chat.start_talking()
    chat.stop_talking()
    with chat.push_to_talk():
        pass
    assert [request["on"] for request in page.heard("talk")] == [True, False, True, False]


async def test_talking_ends_also_when_the_block_fails(chat, server, page):
    await server.connect(**MANUAL)
    with pytest.raises(ValueError, match="mine"), chat.push_to_talk():
        raise ValueError("mine")
    assert page.heard("talk")[-1]["on"] is False


@pytest.mark.parametrize("detection", [{"type": "server_vad"}, None], ids=["set", "null, like everything else"])
async def test_push_to_talk_is_refused_while_the_server_detects_turns(chat, server, page, detection):
    await server.connect(audio={"input": {"turn_detection": detection, "format": None, "transcription": None}})
    with pytest.raises(TurnDetectionEnabled, match="turn_detection=None"):
        chat.start_talking()
    page.state("a1", status="idle")
    await settled()
    with pytest.raises(NotConnected):
        chat.start_talking()
