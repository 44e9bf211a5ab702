"""`connect` and `disconnect`: requests to the page, waiting in a cell, and the errors."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import pytest

from rtc_widget import OpenAI, VoiceChat
from rtc_widget.comm.liveness import Heartbeat
from rtc_widget.errors import (
    AccessDenied,
    Cancelled,
    InvalidAnswer,
    InvalidKey,
    MicrophoneDenied,
    PageNotFound,
    PageTimeout,
    QuotaExceeded,
    ServerError,
    ServerNotFound,
    SignalingTimeout,
)
from rtc_widget.testing import ScriptedPage
from tests.limits import HANGS
from tests.unit.conftest import ScriptedSignaling
from tests.unit.server_double import OFFER
from tests.unit.signaling.realtime_server import RealtimeServer, running
from tests.unit.waiting import eventually, settled


async def test_connect_waits_for_a_page_and_returns_when_it_is_connected(chat, page):
    connecting = asyncio.ensure_future(chat.connect(timeout=HANGS))
    await asyncio.sleep(0.02)
    page.hello()
    await page.hears("connect")
    page.connected()
    await page.reply("connect", result={"attempt": "a1"})
    await connecting
    assert chat.status == "connected"


async def test_a_reply_that_overtakes_the_state_waits_for_it(chat, page):
    page.hello()
    connecting = asyncio.ensure_future(chat.connect(timeout=HANGS))
    request = await page.hears("connect")
    page.say("reply", id=request["id"], seq=1, result={"attempt": "a1"})
    await asyncio.sleep(0.05)
    assert not connecting.done()
    page.connected()
    await connecting
    assert chat.status == "connected"


async def test_a_state_that_another_thread_is_still_taking_in_is_waited_for(chat, page, monkeypatch):
    page.hello()
    connecting = asyncio.ensure_future(chat.connect(timeout=HANGS))
    request = await page.hears("connect")
    monkeypatch.setattr(Heartbeat, "run", lambda *_: time.sleep(0.1))
    page.say("reply", id=request["id"], seq=1, result={"attempt": "a1"})
    taking_in = threading.Thread(target=page.connected)
    taking_in.start()
    await connecting
    assert chat.status == "connected"
    taking_in.join()


async def test_a_disconnect_right_behind_a_connect_ends_it(chat, page):
    page.hello()
    connecting = asyncio.ensure_future(chat.connect(timeout=HANGS))
    await page.hears("connect")
    disconnecting = asyncio.ensure_future(chat.disconnect())
    with pytest.raises(Cancelled, match="before it was made"):
        await connecting
    await page.reply("disconnect", result={})
    await disconnecting
    assert chat.status == "idle"


async def test_a_disconnect_without_a_page_calls_off_the_connect_that_waits_for_one(chat, page):
    connecting = asyncio.ensure_future(chat.connect(timeout=HANGS))
    await settled()
    await asyncio.wait_for(chat.disconnect(), HANGS)
    with pytest.raises(Cancelled):
        await connecting
    page.hello()
    await settled()
    assert page.heard("connect") == []


async def test_connect_is_nothing_to_do_when_connected(chat, page):
    page.hello()
    page.connected()
    await settled()
    await chat.connect()
    assert page.heard("connect") == []


async def test_connect_raises_what_the_page_says(chat, page):
    page.hello()
    connecting = asyncio.ensure_future(chat.connect(timeout=HANGS))
    await page.reply("connect", error={"code": "microphone_denied", "message": "No.", "hint": "Allow it."})
    with pytest.raises(MicrophoneDenied, match=r"No\. Allow it\."):
        await connecting


async def test_connect_without_a_page_says_so(chat):
    with pytest.raises(PageNotFound, match="display the widget"):
        await chat.connect(timeout=0.05)


async def test_a_connect_that_takes_too_long_is_called_off(chat, page):
    page.hello()
    with pytest.raises(PageTimeout, match=r"within 0\.05 s"):
        await chat.connect(timeout=0.05)
    assert len(page.heard("disconnect")) == 1


async def test_a_cancelled_connect_is_called_off(chat, page):
    page.hello()
    connecting = asyncio.ensure_future(chat.connect())
    await page.hears("connect")
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    assert len(page.heard("disconnect")) == 1


async def test_a_cancelled_connect_without_a_page_stays_cancelled(chat):
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.02):
            await chat.connect()
    assert not isinstance(caught.value, PageNotFound)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "invalid_api_key", InvalidKey),
        (403, None, AccessDenied),
        (404, None, ServerNotFound),
        (429, "insufficient_quota", QuotaExceeded),
        (500, None, ServerError),
        (201, None, InvalidAnswer),
    ],
)
async def test_what_the_server_refuses_is_raised_by_connect_in_its_words(status, code, kind):
    body = json.dumps({"error": {"message": "So says the server.", "code": code}})
    with running(RealtimeServer(status=status, body=body)) as server:
        page = ScriptedPage(acts=False)
        chat = VoiceChat(OpenAI("sk-x", base_url=server.url), page=page)
        page.hello()
        connecting = asyncio.ensure_future(chat.connect(timeout=HANGS))
        await page.hears("connect")
        page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
        error = (await page.hears("reply"))["error"]
        page.state("a1", status="error", error=error)
        await page.reply("connect", error=error)
        with pytest.raises(kind, match="So says the server"):
            await connecting
        assert chat.error == error
        chat.close()


async def test_a_reply_from_another_thread_wakes_the_cell(chat, page):
    page.hello()
    connecting = asyncio.ensure_future(chat.connect(timeout=HANGS))
    request = await page.hears("connect")
    subshell = threading.Thread(target=page.say, args=("reply",), kwargs={"id": request["id"], "seq": 0, "result": {}})
    subshell.start()
    await asyncio.wait_for(connecting, HANGS)
    subshell.join()


async def test_disconnect_asks_the_page_and_hangs_up(chat, page, signaling):
    page.hello()
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    await page.hears("reply")
    page.connected()
    await settled()
    ending = asyncio.ensure_future(chat.disconnect())
    await page.reply("disconnect")
    page.state("a1", connection_state="closed", status="idle")
    await ending
    await eventually(lambda: signaling.hung_up == ["rtc_1"])
    await settled()
    assert (chat.status, chat.call_id) == ("idle", None)


class SlowSignaling(ScriptedSignaling):
    """A server that starts until the test ends the start."""

    slow_start = True

    def __init__(self) -> None:
        super().__init__()
        self.started = threading.Event()

    async def prepare(self, progress) -> None:
        progress("Loading the models …")
        while not self.started.is_set():
            await asyncio.sleep(0.005)
        progress("")


@pytest.fixture
async def slow():
    signaling = SlowSignaling()
    chat = VoiceChat(signaling, page=ScriptedPage(acts=False))
    yield signaling, chat, chat._page
    signaling.started.set()
    chat.close()


async def test_connect_waits_as_long_as_the_server_takes_to_start(slow, monkeypatch):
    monkeypatch.setattr("rtc_widget.calls.controller._CONNECT_SECONDS", 0.05)
    _, chat, page = slow
    page.hello()
    page.say("prepare", id="p1:1", attempt="a1")
    await eventually(lambda: chat.progress == "Loading the models …")
    connecting = asyncio.ensure_future(chat.connect())
    loop = asyncio.get_running_loop()
    over = loop.time() + 0.3
    await eventually(lambda: loop.time() > over)
    assert not connecting.done()
    page.connected()
    await page.reply("connect", result={"attempt": "a1"})
    await connecting


async def test_a_start_that_takes_longer_than_the_given_time_is_named(slow):
    _, chat, page = slow
    page.hello()
    page.say("prepare", id="p1:1", attempt="a1")
    await eventually(lambda: chat.progress)
    with pytest.raises(SignalingTimeout, match=r"still starting after 0\.05 s\. Its last report: Loading") as caught:
        await chat.connect(timeout=0.05)
    assert "microphone" not in str(caught.value)
    assert page.heard("disconnect")  # nobody waits for this call


async def test_no_microphone_is_blamed_on_a_page_without_one(chat, page):
    page.hello()
    with pytest.raises(PageTimeout) as caught:
        await chat.connect(timeout=0.05)
    assert "microphone" not in str(caught.value)
    with pytest.raises(PageTimeout) as caught:
        await chat.devices(timeout=0.01)
    assert "microphone" not in str(caught.value)
