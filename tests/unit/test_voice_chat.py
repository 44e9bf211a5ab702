from __future__ import annotations

import asyncio
import json
import sys
import threading

import comm
import pytest

from rtc_widget import Answer, OpenAI, VoiceChat, bridge, call_desk
from rtc_widget.devices import Device
from rtc_widget.errors import (
    AccessDenied,
    Cancelled,
    InvalidAnswer,
    InvalidKey,
    InvalidSession,
    MicrophoneDenied,
    NotConnected,
    PageNotFound,
    PageTimeout,
    QuotaExceeded,
    ServerError,
    ServerNotFound,
    UnexpectedError,
    WaitTimeout,
)
from rtc_widget.reconnect import Reconnect
from rtc_widget.testing import ScriptedPage
from rtc_widget.testing.states import CONNECTED
from tests.unit.comm_double import RecordingComm
from tests.unit.signaling.realtime_server import RealtimeServer, running
from tests.unit.waiting import eventually, settled

OFFER = "v=0\r\noffer\r\n"


async def test_a_page_that_says_hello_is_welcomed(page):
    page.hello()
    assert page.heard("welcome") == [{"type": "welcome", "page": "p1", "protocol": 1}]


async def test_traits_follow_the_page(chat, page):
    seen = []
    chat.observe(lambda change: seen.append(change.new), "status")
    page.hello()
    page.state(status="connecting", ice_gathering_state="gathering", signaling_state="have-local-offer")
    page.connected()
    await settled()
    assert seen == ["connecting", "connected"]
    assert chat.connection_state == "connected"
    assert chat.ice_connection_state == "completed"
    assert chat.data_channel_state == "open"
    assert chat.microphone_permission == "granted"


async def test_an_overtaken_state_changes_nothing(chat, page):
    page.hello()
    page.say("state", seq=5, attempt="a1", resumes=False, state=dict(CONNECTED))
    page.say("state", seq=4, attempt="a1", resumes=False, state={**CONNECTED, "status": "connecting"})
    await settled()
    assert chat.status == "connected"


@pytest.fixture
async def browser_chat(monkeypatch, signaling):
    """A chat whose page is the browser's, at the other end of a comm."""
    monkeypatch.setattr(comm, "create_comm", RecordingComm)
    chat = VoiceChat(signaling)
    yield chat
    chat.close()


def from_browser(chat, content):
    chat.comm.handle_msg({"content": {"data": {"method": "custom", "content": content}}, "buffers": []})


async def test_the_browsers_page_speaks_through_the_comm(browser_chat):
    from_browser(browser_chat, {"type": "hello", "page": "p1", "protocol": 1})
    published = [message["data"] for message in browser_chat.comm.published]
    assert {"method": "custom", "content": {"type": "welcome", "page": "p1", "protocol": 1}} in published
    state = {"type": "state", "page": "p1", "seq": 1, "attempt": "a1", "resumes": False, "state": dict(CONNECTED)}
    from_browser(browser_chat, state)
    await settled()
    assert browser_chat.status == "connected"


async def test_traits_cannot_be_written_by_the_page(browser_chat):
    message = {"content": {"data": {"method": "update", "state": {"status": "connected"}}}, "buffers": []}
    browser_chat.comm.handle_msg(message)
    assert browser_chat.status == "idle"


async def test_the_kernel_exchanges_the_offer_with_the_session_and_says_the_call_id(chat, page, signaling):
    page.hello()
    page.state(status="connecting")
    page.say("prepare", id="p1:1", attempt="a1")
    page.say("exchange", id="p1:2", attempt="a1", sdp=OFFER)
    replies = {}
    while len(replies) < 2:
        await asyncio.sleep(0.005)
        replies = {reply["id"]: reply["result"] for reply in page.heard("reply")}
    assert replies["p1:1"] == {"data_channel_label": "oai-events", "ice_servers": [*signaling.ice_servers], "renegotiates": False}
    assert replies["p1:2"] == {"sdp": "v=0\r\nanswer\r\n", "call_id": "rtc_1"}
    assert signaling.offers == [(OFFER, {"instructions": "Be brief."})]
    await settled()
    assert chat.call_id == "rtc_1"


async def test_the_exchange_runs_off_the_main_thread(chat, page, signaling):
    threads = []
    exchange = signaling.exchange

    async def spy(offer, session):
        threads.append(threading.current_thread())
        return await exchange(offer, session)

    signaling.exchange = spy
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    await page.hears("reply")
    assert threads[0] is not threading.main_thread()


@pytest.mark.parametrize(
    ("failure", "code"),
    [(InvalidKey("No such key.", status=401), "invalid_key"), (RuntimeError("boom"), "unexpected")],
)
async def test_a_failed_exchange_reaches_the_page_as_an_error(page, signaling, failure, code):
    signaling.failure = failure
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    reply = await page.hears("reply")
    assert reply["error"]["code"] == code
    assert str(failure.args[0]).split()[0] in reply["error"]["message"]


async def test_an_answer_that_is_no_sdp_is_refused_and_the_call_hung_up(page, signaling):
    signaling.answer = Answer("<html>", "rtc_9")
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    reply = await page.hears("reply")
    assert reply["error"]["code"] == InvalidAnswer.code
    assert signaling.hung_up == ["rtc_9"]


async def test_a_call_that_ends_while_the_server_still_thinks_is_hung_up(page, signaling):
    signaling.may_answer.clear()
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    while not signaling.offers:
        await asyncio.sleep(0.005)
    page.say("hang_up", attempt="a1")
    signaling.may_answer.set()
    reply = await page.hears("reply")
    assert reply["error"]["code"] == Cancelled.code
    assert signaling.hung_up == ["rtc_1"]


async def test_a_call_is_hung_up_once(page, signaling):
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    await page.hears("reply")
    page.say("hang_up", attempt="a1")
    page.say("hang_up", attempt="a1")
    await eventually(lambda: signaling.hung_up)
    await asyncio.sleep(0.05)
    assert signaling.hung_up == ["rtc_1"]


async def test_closing_the_widget_hangs_up(chat, page, signaling):
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    await page.hears("reply")
    chat.close()
    await eventually(lambda: signaling.hung_up == ["rtc_1"])


async def test_closing_the_widget_while_the_server_still_thinks_hangs_up_too(chat, page, signaling):
    signaling.may_answer.clear()
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    await eventually(lambda: signaling.offers)
    chat.close()
    signaling.may_answer.set()
    await eventually(lambda: signaling.hung_up == ["rtc_1"])


async def test_a_hang_up_that_fails_is_logged(page, signaling, caplog):
    async def fails(call_id):
        raise RuntimeError("wires cut")

    signaling.hang_up = fails
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    await page.hears("reply")
    page.say("hang_up", attempt="a1")
    await eventually(lambda: "wires cut" in caplog.text)


async def test_connect_waits_for_a_page_and_returns_when_it_is_connected(chat, page):
    connecting = asyncio.ensure_future(chat.connect(timeout=5))
    await asyncio.sleep(0.02)
    page.hello()
    await page.hears("connect")
    page.connected()
    await page.answer("connect", result={"attempt": "a1"})
    await connecting
    assert chat.status == "connected"


async def test_a_reply_that_overtakes_the_state_waits_for_it(chat, page):
    page.hello()
    connecting = asyncio.ensure_future(chat.connect(timeout=5))
    request = await page.hears("connect")
    page.say("reply", id=request["id"], seq=1, result={"attempt": "a1"})
    await asyncio.sleep(0.05)
    assert not connecting.done()
    page.connected()
    await connecting
    assert chat.status == "connected"


async def test_connect_is_nothing_to_do_when_connected(chat, page):
    page.hello()
    page.connected()
    await settled()
    await chat.connect()
    assert page.heard("connect") == []


async def test_connect_raises_what_the_page_says(chat, page):
    page.hello()
    connecting = asyncio.ensure_future(chat.connect(timeout=5))
    await page.answer("connect", error={"code": "microphone_denied", "message": "No.", "hint": "Allow it."})
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
        connecting = asyncio.ensure_future(chat.connect(timeout=10))
        await page.hears("connect")
        page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
        error = (await page.hears("reply"))["error"]
        page.state("a1", status="error", error=error)
        await page.answer("connect", error=error)
        with pytest.raises(kind, match="So says the server"):
            await connecting
        assert chat.error == error
        chat.close()


async def test_a_slow_server_is_told_from_a_silent_page(monkeypatch, chat, page, signaling):
    monkeypatch.setattr(call_desk, "EXCHANGE_SECONDS", 0.05)
    signaling.may_answer.clear()
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    error = (await page.hears("reply"))["error"]
    assert error["code"] == "signaling_timeout"
    assert "Scripted server did not answer" in error["message"]


async def test_a_reply_from_another_thread_wakes_the_cell(chat, page):
    page.hello()
    connecting = asyncio.ensure_future(chat.connect(timeout=5))
    request = await page.hears("connect")
    subshell = threading.Thread(target=page.say, args=("reply",), kwargs={"id": request["id"], "seq": 0, "result": {}})
    subshell.start()
    await asyncio.wait_for(connecting, 1)
    subshell.join()


async def test_disconnect_asks_the_page_and_hangs_up(chat, page, signaling):
    page.hello()
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    await page.hears("reply")
    page.connected()
    await settled()
    ending = asyncio.ensure_future(chat.disconnect())
    await page.answer("disconnect")
    page.state("a1", connection_state="closed", status="idle")
    await ending
    await eventually(lambda: signaling.hung_up == ["rtc_1"])
    await settled()
    assert (chat.status, chat.call_id) == ("idle", None)


async def test_sending_before_the_channel_is_open_raises(chat, page):
    page.hello()
    with pytest.raises(NotConnected, match="data channel is closed"):
        chat.send({"type": "response.create"})
    assert page.heard("send") == []


async def test_an_event_is_sent_as_it_is_with_an_id(chat, page):
    page.hello()
    page.connected()
    await settled()
    event_id = chat.send({"type": "session.update", "session": {"instructions": "Höflich."}})
    [message] = page.heard("send")
    [text] = message["events"]
    assert '"Höflich."' in text
    assert event_id in text
    assert chat.send({"type": "response.create", "event_id": "mine"}) == "mine"


@pytest.mark.parametrize("event", [{}, {"type": 7}, {"event_id": "x"}])
async def test_what_is_no_event_is_not_sent(chat, page, event):
    page.hello()
    page.connected()
    await settled()
    with pytest.raises(ValueError, match="needs a 'type'"):
        chat.send(event)


async def test_what_is_no_json_is_not_sent(chat, page):
    page.hello()
    page.connected()
    await settled()
    with pytest.raises(TypeError, match="cannot be written as JSON"):
        chat.send({"type": "response.create", "response": object()})
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        chat.send({"type": "response.create", "x": float("nan")})


async def test_text_becomes_an_item_and_asks_for_an_answer(chat, page):
    page.hello()
    page.connected()
    await settled()
    chat.send_text("What is ICE?")
    [message] = page.heard("send")
    assert [text.split('"type": "')[1].split('"')[0] for text in message["events"]] == [
        "conversation.item.create",
        "response.create",
    ]
    with pytest.raises(ValueError, match="no text"):
        chat.send_text("  ")


async def test_a_send_that_the_page_refuses_shows_as_an_error(chat, page):
    page.hello()
    page.connected()
    await settled()
    chat.send_text("hello")
    await page.answer("send", error={"code": "message_too_large", "message": "Too large.", "hint": ""})
    await settled()
    assert chat.error["code"] == "message_too_large"


async def test_a_send_that_nobody_confirms_shows_as_an_error(chat, page, monkeypatch):
    monkeypatch.setattr(bridge, "PAGE_SECONDS", 0.02)
    monkeypatch.setattr(bridge, "REPLY_GRACE_SECONDS", 0.02)
    page.hello()
    page.connected()
    await settled()
    chat.send_text("hello")
    await eventually(lambda: chat.error is not None)
    assert chat.error["code"] == "page_timeout"


async def test_an_observer_that_fails_holds_up_nothing(chat, page, caplog):
    def fails(change):
        raise ValueError("mine")

    chat.observe(fails, ["status", "user_speaking"])
    page.hello()
    page.connected()
    page.events({"type": "a"}, {"type": "input_audio_buffer.speech_started"}, {"type": "b"})
    await settled()
    assert (chat.status, chat.connection_state, chat.data_channel_state) == ("connected", "connected", "open")
    assert [event.type for event in chat.events] == ["a", "input_audio_buffer.speech_started", "b"]
    assert "mine" in caplog.text


async def test_an_event_of_an_odd_shape_takes_no_other_with_it(chat, page):
    page.hello()
    page.events(
        {"type": "response.done", "response": {"output": 5}},
        {"type": "conversation.item.added", "item": {"id": "i", "type": "message", "role": "user", "content": {}}},
        {"type": "response.output_text.delta", "item_id": "a", "delta": "Hi"},
    )
    await settled()
    assert len(chat.events) == 3
    assert chat.transcript[-1].text == "Hi"


async def test_events_are_logged_published_and_folded_in_order(chat, page):
    seen = []
    chat.on("response.*", lambda event: seen.append(event.type))
    page.hello()
    page.events({"type": "session.created"}, {"type": "response.created", "response": {"id": "r1"}})
    page.events({"type": "response.output_audio_transcript.delta", "item_id": "i1", "delta": "Hello"})
    await settled()
    assert [event.type for event in chat.events] == [
        "session.created",
        "response.created",
        "response.output_audio_transcript.delta",
    ]
    assert seen == ["response.created", "response.output_audio_transcript.delta"]
    assert [str(turn) for turn in chat.transcript] == ["assistant: Hello"]
    assert page.heard("ack")[-1]["next"] == 3


async def test_a_gap_is_noticed_and_nothing_is_lost_or_doubled(chat, page):
    page.hello()
    page.events({"type": "a"})
    page.events({"type": "c"}, first=2)
    assert page.heard("resend") == [{"type": "resend", "page": "p1", "first": 1}]
    page.events({"type": "b"}, {"type": "c"}, first=1)
    page.events({"type": "b"}, {"type": "c"}, {"type": "d"}, first=1)
    await settled()
    assert [event.type for event in chat.events] == ["a", "b", "c", "d"]


async def test_an_empty_batch_shows_that_the_last_one_was_lost(chat, page):
    page.hello()
    page.events(first=3)
    assert page.heard("resend") == [{"type": "resend", "page": "p1", "first": 0}]


async def test_wait_for_returns_the_next_event_of_a_type(chat, page):
    page.hello()
    waiting = asyncio.ensure_future(chat.wait_for("response.done", timeout=5))
    await settled()
    page.events({"type": "response.created"}, {"type": "response.done", "response": {"status": "completed"}})
    event = await waiting
    assert event.response.status == "completed"


async def test_wait_for_gives_up_in_time(chat):
    with pytest.raises(TimeoutError) as caught:
        await chat.wait_for("response.done", timeout=0.01)
    assert isinstance(caught.value, WaitTimeout)
    assert "response.done" in str(caught.value)


async def test_wait_for_takes_a_condition_and_says_what_it_raises(chat, page):
    page.hello()
    waiting = asyncio.ensure_future(chat.wait_for("x", timeout=5, where=lambda event: event.n == 2))
    odd = asyncio.ensure_future(chat.wait_for("x", timeout=5, where=lambda event: event.nothing))
    await settled()
    page.events({"type": "x", "n": 1}, {"type": "x", "n": 2})
    assert (await waiting).n == 2
    with pytest.raises(AttributeError, match="nothing"):
        await odd


async def test_a_stream_loses_nothing_between_two_reads_and_ends_with_the_call(chat, page):
    with pytest.raises(NotConnected):
        chat.stream()
    page.hello()
    page.connected()
    await settled()
    seen = []
    stream = chat.stream("x.*")
    page.events({"type": "x.1"}, {"type": "y"}, {"type": "x.2"})

    async def read():
        async for event in stream:
            seen.append(event.type)
            if event.type == "x.2":
                page.events({"type": "x.3"})
                page.state(None, status="idle")
                await asyncio.sleep(0.02)

    await asyncio.wait_for(read(), 5)
    assert seen == ["x.1", "x.2", "x.3"]


async def test_a_callback_that_fails_stops_nobody_else(chat, page, caplog):
    seen = []

    @chat.on("x")
    def fails(event):
        raise ValueError("mine")

    async def works(event):
        seen.append(event.type)

    chat.on("x", works)
    page.hello()
    page.events({"type": "x"})
    await settled()
    assert seen == ["x"]
    assert "mine" in caplog.text
    assert str(chat.errors[0]) == "fails failed on x: ValueError: mine"
    chat.off("x", works)
    page.events({"type": "x"})
    await settled()
    assert seen == ["x"]


async def test_who_speaks_is_known(chat, page):
    page.hello()
    page.connected()
    page.events({"type": "input_audio_buffer.speech_started"}, {"type": "output_audio_buffer.started"})
    await settled()
    assert (chat.user_speaking, chat.assistant_speaking) == (True, True)
    page.state(None, status="idle")
    await settled()
    assert (chat.user_speaking, chat.assistant_speaking) == (False, False)


async def test_mute_is_asked_of_the_page_and_comes_back_as_a_trait(chat, page):
    with pytest.raises(PageNotFound):
        chat.mute()
    page.hello()
    chat.mute()
    assert page.heard("mute")[-1]["muted"] is True
    page.state(None, muted=True)
    await settled()
    assert chat.muted is True
    chat.unmute()
    assert page.heard("mute")[-1]["muted"] is False


async def test_a_second_page_does_not_disturb_the_call_of_the_first(chat, page):
    page.hello()
    page.connected()
    other = page.beside("p2")
    other.hello()
    other.state(None)
    await settled()
    assert chat.status == "connected"
    chat.send_text("hi")
    assert len(page.heard("send")) == 1
    assert other.heard("send") == []


async def test_a_page_that_vanished_with_its_call_is_noticed(chat, page, signaling, monkeypatch):
    monkeypatch.setattr("rtc_widget.attendance.HOLDER_SECONDS", 0.05)
    page.hello()
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    await page.hears("reply")
    page.connected()
    await settled()
    page.beside("p2").hello()
    await eventually(lambda: chat.status == "error")
    assert chat.error["code"] == "page_not_found"
    await eventually(lambda: signaling.hung_up == ["rtc_1"])


async def test_a_page_that_falls_silent_during_a_call_is_noticed_without_any_other_page(
    chat, page, signaling, monkeypatch
):
    monkeypatch.setattr("rtc_widget.heartbeat.BEAT_SECONDS", 0.02)
    monkeypatch.setattr("rtc_widget.attendance.SILENT_SECONDS", 0.05)
    monkeypatch.setattr("rtc_widget.attendance.HOLDER_SECONDS", 0.05)
    page.hello()
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    await page.hears("reply")
    page.connected()
    await settled()
    await eventually(lambda: chat.status != "connected")
    assert chat.error["code"] == "page_not_found"
    await eventually(lambda: signaling.hung_up == ["rtc_1"])
    assert page.heard("alive")


async def test_a_page_that_gives_signs_of_life_keeps_its_call(chat, page, monkeypatch):
    monkeypatch.setattr("rtc_widget.heartbeat.BEAT_SECONDS", 0.02)
    monkeypatch.setattr("rtc_widget.attendance.SILENT_SECONDS", 0.05)
    monkeypatch.setattr("rtc_widget.attendance.HOLDER_SECONDS", 0.05)
    page.hello()
    page.connected()
    for _ in range(30):
        await asyncio.sleep(0.01)
        page.say("alive", time_ms=0)
    assert chat.status == "connected"


async def test_a_recovered_call_shows_its_seam_in_the_transcript(chat, page):
    page.hello()
    page.connected("a1")
    answer = {"type": "response.output_text.done"}
    page.events({**answer, "item_id": "i1", "text": "Before."})
    page.state("a2", resumes=True, **CONNECTED)
    carried = {"id": "carried_1", "type": "message", "role": "assistant", "content": [{"text": "Before."}]}
    page.events(
        {"type": "conversation.item.added", "item": carried},
        {**answer, "item_id": "i2", "text": "After."},
        attempt="a2",
    )
    page.events({**answer, "item_id": "i3", "text": "Anew."}, attempt="a3")
    await settled()
    assert str(chat.transcript).splitlines() == [
        "assistant: Before.",
        "── connected again ──",
        "assistant: After.",
        "── new call ──",
        "assistant: Anew.",
    ]
    assert [turn.call for turn in chat.transcript] == [1, 2, 3]


async def test_settings_of_a_call_reach_the_page_at_once(chat):
    chat.reconnect = Reconnect(max_attempts=1, grace=2)
    chat.view_grace = 3
    assert chat.settings["reconnect"]["grace"] == 2
    assert (chat.settings["view_grace"], chat.view_grace) == (3.0, 3)
    chat.reconnect = None
    assert chat.settings["reconnect"] is None
    chat.microphone = False
    assert chat.settings["microphone"] is False


@pytest.mark.parametrize(
    "settings",
    [{"max_duration": 0}, {"view_grace": -1}, {"exchange": "telegraph"}, {"max_duration": 1e9}],
)
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        VoiceChat(**settings)


@pytest.mark.parametrize("numbers", [{"max_attempts": 0}, {"grace": -1}, {"attempt_timeout": 0}])
def test_a_reconnect_that_makes_no_sense_is_refused(numbers):
    with pytest.raises(ValueError, match=next(iter(numbers))):
        Reconnect(**numbers)


async def test_devices_are_listed_and_chosen_by_name(chat, page):
    page.hello()
    entry = {"kind": "microphone", "id": "d1", "name": "Desk", "chosen": True, "in_use": False}
    choosing = asyncio.ensure_future(chat.use_microphone("Desk"))
    await page.answer("use_device", result={"devices": [entry]})
    assert await choosing == [Device("microphone", "Desk", "d1", chosen=True)]
    assert page.heard("use_device")[0] | {"id": ""} == {
        "type": "use_device",
        "page": "p1",
        "id": "",
        "device_kind": "microphone",
        "device": "Desk",
    }
    listing = asyncio.ensure_future(chat.devices())
    await page.answer("devices", result={"devices": [entry]})
    assert [device.name for device in await listing] == ["Desk"]


async def test_rubbish_from_the_page_does_no_harm(chat, page, caplog):
    page.say("nonsense")
    page.say("state", seq=1, attempt=None, resumes=False, state={"status": "flying"})
    page.say("events", attempt="a1", first=0, events=["x"])
    chat._bridge.receive(7)
    page.events("no json {", "[1]", '{"no": "type"}')
    await settled()
    assert [event.type for event in chat.events] == ["rtc_widget.unreadable", "rtc_widget.unreadable", ""]
    assert chat.events[0].text == "no json {"
    assert "flying" in caplog.text


async def test_what_is_waited_for_shows_as_activity(chat, page):
    seen = []
    chat.observe(lambda change: seen.append(change.new), "activity")
    page.say("prepare", id="p1:1", attempt="a1")
    await page.hears("reply")
    await settled()
    assert seen == ["Warming up", ""]


def test_unknown_session_settings_are_refused_at_once():
    with pytest.raises(InvalidSession, match="instructions"):
        VoiceChat(instruction="x")


def test_signaling_of_the_wrong_kind_is_refused_at_once():
    with pytest.raises(TypeError, match=r"OpenAI\(…\)"):
        VoiceChat("https://api.openai.com")


def test_without_a_server_the_widget_says_what_to_do(monkeypatch):
    from rtc_widget.signaling import local

    monkeypatch.setattr(local, "is_installed", lambda: False)
    chat = VoiceChat()
    assert "rtc-widget[local]" in chat.activity
    assert "OPENAI_API_KEY" in chat.activity


def test_with_a_key_openai_is_called_and_the_key_shows_nowhere(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    chat = VoiceChat()
    assert chat.server == "OpenAI · gpt-realtime-2.1"
    assert "sk-canary" not in repr(chat) + repr(chat._signaling) + str(chat.get_state())


async def test_ipykernel_6_is_told_the_two_cell_way(browser_chat, monkeypatch):
    from rtc_widget import awaiting
    from rtc_widget.errors import AwaitNotPossible

    monkeypatch.setattr(awaiting, "kernel_version", lambda: (6, 31))

    async def cell():
        await browser_chat.connect()

    # The name under which IPython runs a cell.
    cell.__qualname__ = "InteractiveShell.run_cell_async"
    with pytest.raises(AwaitNotPossible, match="Split the cell in two"):
        await asyncio.ensure_future(cell())
    said = [message["data"].get("content", {}) for message in browser_chat.comm.published]
    assert "connect" not in [content.get("type") for content in said]


@pytest.mark.parametrize("name", ["aiortc", "httpx", "pandas", "openai", "pydantic", "numpy"])
def test_import_is_light(name):
    import subprocess

    code = f"import rtc_widget, rtc_widget.voice_chat, sys; sys.exit({name!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_unexpected_error_asks_for_a_report():
    assert "report" in str(UnexpectedError("Odd."))
