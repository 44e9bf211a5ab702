"""A second offer for an active call goes only to a server that can renegotiate."""

from __future__ import annotations

import asyncio

import pytest

from rtc_widget.comm import negotiation
from rtc_widget.signaling.base import Renegotiates
from tests.unit.waiting import eventually


async def _call(page, attempt="a1"):
    page.hello()
    page.state(attempt, status="connecting")
    page.say("prepare", id="p1:1", attempt=attempt)
    prepared = (await page.hears("reply"))["result"]
    page.say("exchange", id="p1:2", attempt=attempt, sdp="v=0\r\noffer\r\n")
    await eventually(lambda: len(page.heard("reply")) == 2)
    page.connected(attempt)
    return prepared


async def _renegotiated(page, attempt="a1"):
    page.say("renegotiate", id="p1:3", attempt=attempt, sdp="v=0\r\nanother offer\r\n")
    await eventually(lambda: any(reply["id"] == "p1:3" for reply in page.heard("reply")))
    return next(reply for reply in page.heard("reply") if reply["id"] == "p1:3")


@pytest.fixture
def offers(signaling):
    """The offers of a server that takes several."""
    offers: list[tuple[str, str]] = []

    async def renegotiate(call_id, offer):
        offers.append((call_id, offer))
        return "v=0\r\nanother answer\r\n"

    signaling.renegotiate = renegotiate
    return offers


async def test_an_offer_for_a_call_that_stands_reaches_the_server_with_the_calls_id(page, signaling, offers):
    assert isinstance(signaling, Renegotiates)
    assert (await _call(page))["renegotiates"] is True
    assert (await _renegotiated(page))["result"] == {"sdp": "v=0\r\nanother answer\r\n"}
    assert offers == [("rtc_1", "v=0\r\nanother offer\r\n")]
    page.say("hang_up", attempt="a1")
    await eventually(lambda: signaling.hung_up == ["rtc_1"])


async def test_the_page_is_told_that_a_server_takes_one_offer_only(page):
    assert (await _call(page))["renegotiates"] is False
    assert (await _renegotiated(page))["error"]["code"] == "renegotiation_unsupported"


async def test_there_is_nothing_to_change_once_the_call_is_over(page, signaling, offers):
    await _call(page)
    page.say("hang_up", attempt="a1")
    await eventually(lambda: signaling.hung_up)
    assert (await _renegotiated(page))["error"]["code"] == "renegotiation_unsupported"
    assert offers == []


async def test_an_answer_that_is_none_is_not_passed_on(page, signaling, offers):
    async def garbage(call_id, offer):
        return "<html>502</html>"

    await _call(page)
    signaling.renegotiate = garbage
    assert (await _renegotiated(page))["error"]["code"] == "invalid_answer"
    assert signaling.hung_up == [], "the call has its old way still; whoever asked decides"


async def test_a_server_that_does_not_answer_is_not_waited_for_without_end(page, signaling, offers, monkeypatch):
    async def never(call_id, offer):
        await asyncio.Event().wait()

    monkeypatch.setattr(negotiation, "EXCHANGE_SECONDS", 0.1)
    await _call(page)
    signaling.renegotiate = never
    assert (await _renegotiated(page))["error"]["code"] == "signaling_timeout"
