from __future__ import annotations

import asyncio

import pytest

from rtc_widget.errors import RecordingUnavailable


async def test_the_end_of_a_recording_says_that_the_page_cannot_record(chat, page):
    recorder = chat.record()
    page.hello()
    page.connected()
    finishing = asyncio.ensure_future(recorder.finish())
    await page.hears("flush_audio")
    assert chat.settings["record"], "it is asked while it records"
    await page.reply("flush_audio", error=RecordingUnavailable("This browser cannot.").to_wire())
    with pytest.raises(RecordingUnavailable, match="This browser cannot"):
        await finishing
    assert not chat.is_recording
    assert not chat.settings["record"]
