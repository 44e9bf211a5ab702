"""`chat.network` asks the server of the call, and only the embedded one impairs it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from rtc_widget import Answer, VoiceChat
from rtc_widget._aiortc.network import Direction, Network, NetworkConditions, NetworkReport
from rtc_widget.errors import NetworkUnsupported, NotConnected
from rtc_widget.testing import ScriptedPage
from tests.unit.conftest import ScriptedSignaling
from tests.unit.server_double import OFFER
from tests.unit.waiting import eventually


class SignalingWithNetwork(ScriptedSignaling):
    """A server with a network that can be changed."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = Answer("v=0\r\n", "rtc_7")
        self.calls: list[tuple[str, NetworkConditions | None, str]] = []
        self.threads: set[str] = set()

    async def network(
        self, call_id: str, conditions: NetworkConditions | None = None, direction: Direction = "both"
    ) -> NetworkReport:
        self.calls.append((call_id, conditions, direction))
        self.threads.add(threading.current_thread().name)
        network = Network()
        network.change(conditions or NetworkConditions(), direction)
        return network.report()


@pytest.fixture
def signaling() -> SignalingWithNetwork:
    return SignalingWithNetwork()


async def connected(chat: VoiceChat, page: ScriptedPage) -> VoiceChat:
    page.hello()
    page.say("exchange", id="p1:1", attempt="a1", sdp=OFFER)
    await page.hears("reply")
    page.connected("a1")
    await eventually(lambda: chat.call_id)
    return chat


async def test_the_server_of_the_call_is_asked_on_the_io_thread(chat, page, signaling):
    await connected(chat, page)
    report = await chat.network(loss=0.1, delay=80, direction="sent")

    assert signaling.calls == [("rtc_7", NetworkConditions(loss=0.1, delay=80), "sent")]
    assert signaling.threads == {"rtc_widget-io"}
    assert report.sent.conditions.loss == 0.1
    assert report.received.conditions.loss == 0


@pytest.mark.parametrize(
    ("given", "conditions"),
    [
        ({}, None),
        ({"direction": "received"}, None),
        ({"loss": 0}, NetworkConditions()),
        ({"down": False}, NetworkConditions()),
        ({"down": True}, NetworkConditions(down=True)),
    ],
)
async def test_without_a_condition_nothing_changes(chat, page, signaling, given: dict[str, Any], conditions):
    await connected(chat, page)
    await chat.network(**given)

    assert [changed for _, changed, _ in signaling.calls] == [conditions]


async def test_what_cannot_be_is_refused_before_the_server_is_asked(chat, page, signaling):
    await connected(chat, page)
    with pytest.raises(ValueError, match="loss must be a share between 0 and 1, got 10"):
        await chat.network(loss=10)
    with pytest.raises(ValueError, match="direction must be"):
        await chat.network(loss=0.1, direction="up")
    with pytest.raises(TypeError, match="unexpected keyword argument 'lost'"):
        await chat.network(lost=0.1)

    assert signaling.calls == []


async def test_without_a_call_it_says_so(chat, page):
    page.hello()
    with pytest.raises(NotConnected, match="the widget has no call"):
        await chat.network(loss=0.1)


async def test_another_server_does_not_impair_its_network():
    chat = VoiceChat(ScriptedSignaling(), page=ScriptedPage(acts=False))
    with pytest.raises(NetworkUnsupported, match=r"Scripted server does not .* VoiceChat\(Local\(\)\)"):
        await chat.network(loss=0.1)
    chat.close()
