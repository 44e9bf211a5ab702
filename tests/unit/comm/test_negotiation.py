"""The exchange of offer and answer, off the main thread; each call is hung up once, however it ends."""

from __future__ import annotations

import asyncio
import threading

import pytest

from rtc_widget import Answer
from rtc_widget.comm import negotiation
from rtc_widget.errors import Cancelled, InvalidAnswer, InvalidKey
from rtc_widget.signaling import http
from tests.unit.server_double import OFFER
from tests.unit.waiting import eventually, settled


async def test_the_kernel_exchanges_the_offer_with_the_session_and_says_the_call_id(chat, page, signaling):
    page.hello()
    page.state(status="connecting")
    page.say("prepare", id="p1:1", attempt="a1")
    page.say("exchange", id="p1:2", attempt="a1", sdp=OFFER)
    replies = {}
    while len(replies) < 2:
        await asyncio.sleep(0.005)
        replies = {reply["id"]: reply["result"] for reply in page.heard("reply")}
    assert replies["p1:1"].pop("version")
    assert replies["p1:1"] == {
        "data_channel_label": "oai-events",
        "ice_servers": [*signaling.ice_servers],
        "renegotiates": False,
        "needs_candidates": True,
    }
    assert replies["p1:2"] == {"sdp": "v=0\r\nanswer\r\n", "call_id": "rtc_1"}
    assert signaling.offers == [(OFFER, {"instructions": "Be brief."})]
    await settled()
    assert chat.call_id == "rtc_1"


async def test_a_call_that_stands_has_its_id_however_late_the_thread_is_that_got_it(chat, page, monkeypatch):
    post = chat._bridge._collector._transmit

    def stand_at_once(message):
        post(message)
        # The page is quicker than the thread that replies: as if that thread were stopped after its reply.
        if message["type"] == "reply" and "sdp" in message["result"]:
            page.connected("a1")

    monkeypatch.setattr(chat._bridge._collector, "_transmit", stand_at_once)
    seen = []
    chat.observe(lambda change: seen.append((change["new"], chat.call_id)), "status")
    page.hello()
    page.state(status="connecting")
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    await eventually(lambda: chat.status == "connected")
    assert seen[-1] == ("connected", "rtc_1")


async def test_a_page_learns_what_an_offer_needs_with_its_welcome(page, signaling):
    page.hello()
    known = (await page.hears("preparation"))["preparation"]
    page.say("prepare", id="p1:1", attempt="a1")
    assert (await page.hears("reply"))["result"] == known
    assert known["ice_servers"] == [*signaling.ice_servers]


@pytest.mark.parametrize("fails", [False, True])
async def test_a_signaling_opens_its_connection_when_a_person_is_about_to_call(page, signaling, fails):
    opened = []

    def warm_up():
        opened.append(threading.current_thread().name)
        if fails:
            raise OSError("no such host")

    page.hello()
    page.say("expect_call")  # it has nothing to open yet
    signaling.warm_up = warm_up
    page.say("expect_call")
    await eventually(lambda: opened)
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    assert (await page.hears("reply"))["result"]["call_id"] == "rtc_1"
    assert set(opened) == {"rtc_widget-io"}


async def test_a_page_that_greets_again_learns_what_an_offer_needs_if_that_has_changed(page, signaling):
    page.hello()
    first = (await page.hears("preparation"))["preparation"]
    page.hello()
    page.say("prepare", id="p1:1", attempt="a1")
    await page.hears("reply")  # what was handed to the I/O thread before has happened
    assert len(page.heard("preparation")) == 1
    signaling.data_channel_label = "another"
    page.hello()
    await eventually(lambda: len(page.heard("preparation")) == 2)
    assert page.heard("preparation")[-1]["preparation"] == {
        **first,
        "data_channel_label": "another",
        "version": page.heard("preparation")[-1]["preparation"]["version"],
    }


async def test_an_offer_that_was_made_before_the_reply_to_prepare_is_exchanged_after_it(page, signaling):
    page.hello()
    version = (await page.hears("preparation"))["preparation"]["version"]
    prepared, prepare = asyncio.Event(), signaling.prepare
    io = asyncio.run_coroutine_threadsafe
    loop = asyncio.get_running_loop()

    async def slowly(progress):
        await asyncio.wrap_future(io(prepared.wait(), loop))
        await prepare(progress)

    signaling.prepare = slowly
    page.say("prepare", id="p1:1", attempt="a1")
    page.say("exchange", id="p1:2", attempt="a1", sdp=OFFER, preparation=version)
    await asyncio.sleep(0.05)
    assert signaling.offers == []
    prepared.set()
    await eventually(lambda: [reply["id"] for reply in page.heard("reply")] == ["p1:1", "p1:2"])
    assert page.heard("reply")[1]["result"]["call_id"] == "rtc_1"


async def test_an_offer_that_arrives_before_the_request_to_prepare_prepares_as_well(page, signaling):
    page.hello()
    version = (await page.hears("preparation"))["preparation"]["version"]
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER, preparation=version)
    assert (await page.hears("reply"))["result"]["call_id"] == "rtc_1"


async def test_an_offer_with_old_ice_servers_is_not_sent_to_the_server(page, signaling):
    page.hello()
    version = (await page.hears("preparation"))["preparation"]["version"]
    signaling.ice_servers = ({"urls": ["stun:another.example.org"]},)
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER, preparation=version)
    present = (await page.hears("reply"))["result"]["superseded_by"]
    assert present["ice_servers"] == [*signaling.ice_servers]
    assert signaling.offers == []
    page.say("exchange", id="p1:2", attempt="a1", sdp=OFFER, preparation=present["version"])
    await eventually(lambda: page.heard("reply")[-1]["result"].get("call_id") == "rtc_1")


async def test_an_offer_is_not_exchanged_where_preparing_fails(page, signaling):
    page.hello()
    version = (await page.hears("preparation"))["preparation"]["version"]

    async def refuse(progress):
        raise InvalidKey("No such key.")

    signaling.prepare = refuse
    page.say("prepare", id="p1:1", attempt="a1")
    page.say("exchange", id="p1:2", attempt="a1", sdp=OFFER, preparation=version)
    await eventually(lambda: len(page.heard("reply")) == 2)
    assert [reply["error"]["code"] for reply in page.heard("reply")] == ["invalid_key"] * 2
    assert signaling.offers == []


async def test_a_signaling_that_knows_its_ice_servers_only_after_prepare_is_not_described(page, signaling):
    class Unknown(type(signaling)):
        @property
        def ice_servers(self):
            raise RuntimeError("not known yet")

    signaling.__class__ = Unknown
    page.hello()
    await page.hears("welcome")
    await asyncio.sleep(0.05)
    assert page.heard("preparation") == []


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


async def test_a_slow_server_is_told_from_a_silent_page(monkeypatch, chat, page, signaling):
    monkeypatch.setattr(negotiation, "EXCHANGE_SECONDS", 0.05)
    signaling.may_answer.clear()
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    error = (await page.hears("reply"))["error"]
    assert error["code"] == "signaling_timeout"
    assert "Scripted server did not answer" in error["message"]


async def test_what_is_waited_for_shows_as_activity(chat, page):
    seen = []
    chat.observe(lambda change: seen.append(change.new), "progress")
    page.say("prepare", id="p1:1", attempt="a1")
    await page.hears("reply")
    await settled()
    assert seen == ["Warming up", ""]


async def test_the_first_page_has_the_http_client_loaded_before_a_call(chat, page, monkeypatch):
    loaded: list[str] = []
    monkeypatch.setattr(http, "load", lambda: loaded.append(threading.current_thread().name))
    page.hello()
    await eventually(lambda: loaded)
    page.hello()
    page.say("prepare", id="p1:1", attempt="a1")
    await page.hears("reply")  # what was handed to the I/O thread before has happened
    assert loaded == ["rtc_widget-io"]
