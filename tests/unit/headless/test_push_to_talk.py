"""Push-to-talk of a headless page: between two turns the microphone is silent where no event begins a turn."""

from __future__ import annotations

import pytest

pytest.importorskip("aiortc")

from tests.limits import eventually
from tests.unit.headless.test_resumed import FakeAttempt, Page


@pytest.fixture(params=["live", "realtime"])
def protocol(request, monkeypatch):
    from rtc_widget.headless import call, session
    from rtc_widget.protocols.base import protocol_named

    FakeAttempt.all = []
    monkeypatch.setattr(call, "Attempt", FakeAttempt)
    monkeypatch.setattr(session, "protocol_named", lambda name: protocol_named(request.param))
    return request.param


async def test_the_microphone_is_silent_between_the_turns_of_gpt_live(protocol):
    page = Page()
    attempt = await page.connected()
    is_muted = attempt.listener.is_muted
    assert not is_muted(), "until the first turn"
    await page.session._handle({"type": "talk", "on": True})
    assert not is_muted()
    await page.session._handle({"type": "talk", "on": False})
    assert not is_muted(), "the last word is still on its way"
    await eventually(lambda: page.session._push_to_talk._tail is None)
    assert is_muted() == (protocol == "live")
    assert (attempt.sent == []) == (protocol == "live")
    await page.session._handle({"type": "talk", "on": True})
    assert not is_muted()
    await page.session._handle({"type": "disconnect"})
    assert not page.session.is_held_back()
    await page.session.close()
