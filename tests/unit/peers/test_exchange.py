"""A peer connection posts its offer to a server, and impairs its network where the page can."""

from __future__ import annotations

import asyncio

import pytest

from rtc_widget import Answer, PeerConnection, SessionDescription, errors
from rtc_widget.errors import InvalidStateError, NetworkUnsupported, PeerClosed, ServerError
from tests.limits import eventually
from tests.unit.peers.page_double import PeerPage

OFFER = {"type": "offer", "sdp": "v=0\r\no=offer\r\n"}


async def with_offer(pc, page):
    await pc.create_offer()
    page.event("signalingstatechange", pc={"signaling_state": "have-local-offer", "local_description": OFFER})
    await eventually(lambda: pc.local_description)


async def test_the_local_offer_is_posted_and_the_answer_returned_but_not_set(pc, page, signaling):
    await with_offer(pc, page)
    answer = await pc.exchange(signaling, voice="marin")
    assert isinstance(answer, SessionDescription)
    assert (answer.type, str(answer)) == ("answer", "v=0\r\nanswer\r\n")
    assert signaling.offers == [(OFFER["sdp"], {"voice": "marin"})]
    assert "set_remote_description" not in page.operations


async def test_what_the_server_must_get_on_the_channel_is_said(pc, page, signaling, caplog):
    await with_offer(pc, page)
    signaling.answer = Answer("v=0\r\nanswer\r\n", "rtc_1", [{"type": "session.update"}])
    await pc.exchange(signaling)
    assert '{"type": "session.update"}' in caplog.text


async def test_closing_the_connection_hangs_the_call_up(pc, page, signaling):
    await with_offer(pc, page)
    await pc.exchange(signaling)
    assert signaling.hung_up == []
    await pc.close()
    await eventually(lambda: signaling.hung_up == ["rtc_1"])


async def test_a_page_that_is_lost_hangs_the_call_up(pc, page, signaling):
    await with_offer(pc, page)
    await pc.exchange(signaling)
    page.reload()
    await eventually(lambda: signaling.hung_up == ["rtc_1"])


async def test_without_an_offer_nothing_is_posted(pc, signaling):
    with pytest.raises(InvalidStateError, match="create_offer"):
        await pc.exchange(signaling)
    await pc.close()
    with pytest.raises(PeerClosed):
        await pc.exchange(signaling)
    assert signaling.offers == []


async def test_the_servers_error_is_raised(pc, page, signaling):
    await with_offer(pc, page)
    signaling.failure = ServerError("It is tired.")
    with pytest.raises(ServerError, match="tired"):
        await pc.exchange(signaling)


async def test_an_exchange_can_be_cancelled(pc, page, signaling):
    await with_offer(pc, page)
    signaling.may_answer.clear()
    task = asyncio.create_task(pc.exchange(signaling))
    await eventually(lambda: signaling.offers)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await pc.close()
    signaling.may_answer.set()
    await eventually(lambda: signaling.hung_up == ["rtc_1"])


async def test_a_page_that_cannot_impair_its_network_says_so(pc):
    with pytest.raises(NetworkUnsupported, match='page="aiortc"'):
        await pc.network(loss=0.1)


async def test_the_conditions_reach_the_page():
    class NetworkPage(PeerPage):
        async def network(self, **conditions):
            return conditions

    pc = PeerConnection(page=NetworkPage())
    assert await pc.network(loss=0.1, nat="symmetric") == {"loss": 0.1, "nat": "symmetric", "direction": "both"}
    pc.remove()


def test_the_reason_is_kept_with_the_error():
    error = errors.InvalidAccessError.explained("No", "create", "stable")
    assert "TURN" in error.why
    assert error.to_wire() == {"code": "InvalidAccessError", "message": "No.", "hint": f"{error.why} {error.what_next}"}
