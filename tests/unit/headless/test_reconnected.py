from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

pytest.importorskip("aiortc")

from rtc_widget.comm.settings import CallSettings
from rtc_widget.headless.session import PageSession


@pytest.mark.parametrize("record", [True, False])
async def test_what_was_asked_for_while_reconnecting_holds_when_connected_again(record):
    session = PageSession("p1", lambda message: None, CallSettings().to_wire())
    session.take_settings({**CallSettings().to_wire(), "record": not record, "stats_interval": None})
    call = session._call
    call.attempt = SimpleNamespace(id="a1", peer=None, first_messages=[])
    connected, away = replace(call.state, status="connected"), replace(call.state, status="reconnecting")
    call.state = connected
    session.call_opened(call.attempt, resumes=False)
    assert bool(session._recorders) is not record
    call.state = away
    session.state_changed(away, connected)
    session.take_settings({**CallSettings().to_wire(), "record": record, "stats_interval": None})
    call.state = connected
    session.state_changed(connected, away)
    assert bool(session._recorders) is record
    session._limit_duration(False)
