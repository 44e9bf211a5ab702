"""Calls that are active when the interpreter exits are hung up."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.limits import HANGS
from tests.unit.signaling.realtime_server import RealtimeServer, running

CALL = """
import sys, time
from rtc_widget import OpenAI
from rtc_widget.comm.negotiation import Negotiator
done = []
negotiator = Negotiator(OpenAI("sk-x", base_url=sys.argv[1]), dict, print)
negotiator.exchange("a1", "v=0", done.append)
while not done:
    time.sleep(0.01)
assert done[0]["call_id"] == "rtc_1", done
time.sleep(1.5)  # the server has closed the connection: another one must be made, and the name looked up
"""


@pytest.mark.process
@pytest.mark.parametrize("last", ["", 'negotiator.hang_up("a1")', 'negotiator.hang_up("a1"); del negotiator'])
def test_a_call_is_hung_up_when_the_interpreter_exits_though_that_may_have_begun(last):
    with running(RealtimeServer(), timeout_keep_alive=1) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        subprocess.run([sys.executable, "-c", CALL + last, url], check=True, timeout=HANGS)
        assert [post["path"] for post in server.posts] == [
            "/v1/realtime/calls",
            "/v1/realtime/calls/rtc_1/hangup",
        ]
