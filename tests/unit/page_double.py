"""The older names of what `rtc_widget.testing` and this folder's rooms hold, for tests that are still being written."""

from __future__ import annotations

from rtc_widget import VoiceChat
from rtc_widget.testing import ScriptedPage
from rtc_widget.testing.states import CONNECTED, IDLE
from tests.unit.comm_double import RecordingComm
from tests.unit.waiting import eventually, settled


def PageDouble(chat: VoiceChat, page: str = "p1") -> ScriptedPage:
    assert isinstance(chat._page, ScriptedPage)
    return chat._page if page == chat._page.page else chat._page.beside(page)


__all__ = ["CONNECTED", "IDLE", "PageDouble", "RecordingComm", "eventually", "settled"]
