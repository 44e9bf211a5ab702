"""The older names of what `rtc_widget.testing` and this folder's rooms hold, for tests that are still being written."""

from __future__ import annotations

from rtc_widget.testing import ScriptedPage as PageDouble
from rtc_widget.testing.states import CONNECTED, IDLE
from tests.unit.comm_double import RecordingComm
from tests.unit.waiting import eventually, settled

__all__ = ["CONNECTED", "IDLE", "PageDouble", "RecordingComm", "eventually", "settled"]
