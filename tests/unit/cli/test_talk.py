from __future__ import annotations

import asyncio

import pytest

from rtc_widget import VoiceChat
from rtc_widget.cli.talk import take_turn
from rtc_widget.errors import NotConnected, ServerHungUp
from rtc_widget.testing import ScriptedPage
from tests.limits import HANGS


@pytest.mark.parametrize(("end", "error"), [("server_hangs_up", ServerHungUp), ("disconnect", NotConnected)])
async def test_a_call_that_ends_is_waited_for_no_longer(end, error):
    page = ScriptedPage()
    page.reacts("response.create", lambda event: None)
    chat = VoiceChat(page=page)
    page.connect()
    await page.settled()
    asyncio.get_running_loop().call_later(0.1, getattr(page, end))
    with pytest.raises(error):
        async with asyncio.timeout(HANGS):
            await take_turn(chat, "What is ICE?", 60)
    chat.close()


async def test_a_turn_is_taken():
    page = ScriptedPage()
    page.will_say("It finds a way.", spoken=False)
    chat = VoiceChat(page=page)
    page.connect()
    await page.settled()
    turn = await take_turn(chat, "What is ICE?", 10)
    assert turn.response == "It finds a way."
    chat.close()
