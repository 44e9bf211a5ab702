"""Changes of the session that a server refuses without an event id."""

from __future__ import annotations

import asyncio

import pytest

from rtc_widget.errors import EventRefused, WaitTimeout
from tests.limits import HANGS
from tests.unit.waiting import settled

UPDATE = "session.update"


async def changes(chat, server, *settings, timeout=HANGS):
    """Ask for several changes; the server has said nothing yet."""
    tasks = [asyncio.ensure_future(chat.update_session(timeout=timeout, **one)) for one in settings]
    await server.takes(*[UPDATE] * len(settings))
    return tasks


async def confirms(server, **session):
    await server.says({"type": "session.updated", "session": session})


async def refuses(server, message, param=None):
    await server.says({"type": "error", "error": {"message": message, "param": param, "event_id": None}})


VOICE = {"audio": {"output": {"voice": "marin"}}}


async def test_the_first_is_refused_and_the_second_confirmed(chat, server):
    await server.connect()
    bad, good = await changes(chat, server, {"voice": "nobody"}, {"instructions": "Be brief."})
    await refuses(server, "Not now.")
    await confirms(server, instructions="Be brief.", **VOICE)
    with pytest.raises(EventRefused, match=r"Not now\."):
        await bad
    assert (await good).instructions == "Be brief."


async def test_the_first_is_confirmed_and_the_second_refused(chat, server):
    await server.connect()
    good, bad = await changes(chat, server, {"instructions": "Be brief."}, {"voice": "nobody"})
    await confirms(server, instructions="Be brief.", **VOICE)
    await refuses(server, "Not that voice.", "session.audio.output.voice")
    assert (await good).instructions == "Be brief."
    with pytest.raises(EventRefused, match=r"Not that voice\."):
        await bad


@pytest.mark.parametrize("is_voice_first", [True, False])
async def test_two_refusals_go_to_the_changes_that_they_are_of(chat, server, is_voice_first):
    await server.connect()
    voice, brief = await changes(chat, server, {"voice": "nobody"}, {"instructions": "x" * 9})
    told = [("Not that voice.", "session.audio.output.voice"), ("Too long.", "session.instructions")]
    for words in told if is_voice_first else reversed(told):
        await refuses(server, *words)
    with pytest.raises(EventRefused, match=r"Not that voice\."):
        await voice
    with pytest.raises(EventRefused, match=r"Too long\."):
        await brief


async def test_a_refusal_of_something_else_takes_no_change_with_it(chat, server):
    await server.connect()
    first, second = await changes(chat, server, {"instructions": "one"}, {"instructions": "two"})
    await refuses(server, "There is no such item.", "item_id")
    await confirms(server, instructions="one")
    await confirms(server, instructions="two")
    assert ((await first).instructions, (await second).instructions) == ("one", "two")


async def test_what_is_confirmed_in_other_words_is_confirmed(chat, server):
    await server.connect()
    first, second = await changes(chat, server, {"speed": 9}, {"instructions": "two"})
    await refuses(server, "There is no such item.", "item_id")
    await confirms(server, instructions="one", audio={"output": {"speed": 1.5}})
    await confirms(server, instructions="two", audio={"output": {"speed": 1.5}})
    assert (await first).speed == 1.5
    assert (await second).instructions == "two"


async def test_a_change_without_a_confirmation_reports_a_suspected_error(chat, server):
    await server.connect()
    [changing] = await changes(chat, server, {"voice": "nobody"}, timeout=0.1)
    await refuses(server, "Not now.")
    with pytest.raises(WaitTimeout, match=r"may have refused this change: Not now\."):
        await changing


async def test_a_change_that_was_given_up_does_not_take_the_word_of_the_next(chat, server):
    await server.connect()
    [lost] = await changes(chat, server, {"voice": "nobody"}, timeout=0.05)
    with pytest.raises(WaitTimeout):
        await lost
    [next_one] = await changes(chat, server, {"instructions": "Be brief."}, timeout=HANGS)
    await confirms(server, instructions="Be brief.", **VOICE)
    assert (await next_one).instructions == "Be brief."
    [last] = await changes(chat, server, {"instructions": "Be long."}, timeout=HANGS)
    await confirms(server, instructions="Be long.", **VOICE)
    await settled()
    assert (await last).instructions == "Be long."
