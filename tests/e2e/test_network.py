"""Chromium on a network that is broken on purpose, and behind a TURN server alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCSessionDescription

from rtc_widget._aiortc.connection import Connection
from rtc_widget.server.network import TurnServer
from tests.e2e.lab import evaluate
from tests.limits import HANGS

WIDGET = """
from rtc_widget import Local, VoiceChat
chat = VoiceChat(Local(reply=lambda text: "Yes."), stats_interval=0.5)
chat
"""
CONNECT = f"await chat.connect(timeout={HANGS})"
BREAK = f"""
import asyncio

async def passed():
    report = await chat.network()
    return min(path.carried + path.dropped for path in (report.sent, report.received))

before, since = await passed(), len(chat.stats)
await chat.network(loss=0.3, seed=1)
async with asyncio.timeout({HANGS}):
    while await passed() < before + 500:
        await asyncio.sleep(0.5)
report = await chat.network()
print(report)
"""
LOSS = "[sample.loss for sample in chat.stats[since:] if sample.loss is not None]"
DELAY = f"""
await chat.network(delay=100)
async with asyncio.timeout({HANGS}):
    while (chat.stats.last.round_trip_time or 0) < 0.19:
        await asyncio.sleep(0.5)
print("late")
await chat.disconnect()
"""
OFFER = """async (server) => {
  const connection = new RTCPeerConnection({
    iceServers: [server], iceTransportPolicy: "relay", bundlePolicy: "max-bundle",
  });
  const channel = connection.createDataChannel("events");
  const reply = new Promise((done) => { channel.onmessage = ({ data }) => done(data); });
  channel.onopen = () => channel.send("through the relay");
  const gathered = new Promise((done) => {
    connection.onicecandidate = ({ candidate }) => candidate === null && done();
  });
  await connection.setLocalDescription();
  await gathered;
  window.call = { connection, reply };
  return connection.localDescription.sdp;
}"""
ACCEPT = """async (sdp) => {
  await window.call.connection.setRemoteDescription({ type: "answer", sdp });
  return await window.call.reply;
}"""
CANDIDATE = """async () => {
  const reports = [...(await window.call.connection.getStats()).values()];
  const transport = reports.find(({ type }) => type === "transport");
  const pair = reports.find(({ id }) => id === transport.selectedCandidatePairId);
  const { candidateType, relayProtocol } = reports.find(({ id }) => id === pair.localCandidateId);
  window.call.connection.close();
  return [candidateType, relayProtocol];
}"""


def test_a_browser_measures_the_loss_and_the_delay(opened, silent_browser, lab):
    page = opened(silent_browser, WIDGET, CONNECT, BREAK, DELAY)
    page.run_next()
    page.run_next()
    assert "dropped" in page.output(2), page.output(2)
    measured = evaluate(lab.kernel_client(), LOSS)
    assert 0.15 < sum(measured) / len(measured) < 0.5
    page.run_next()
    assert "late" in page.output(3), page.output(3)


class Loop:
    """An event loop in a thread: none can run where Playwright is."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(HANGS)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(HANGS)
        self._loop.close()


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_browser_calls_through_the_relay_alone(silent_browser, loop, transport):
    turn = TurnServer()
    loop.run(turn.__aenter__())

    async def answer(offer: str) -> tuple[Connection, str]:
        callee = Connection(RTCConfiguration(iceServers=[]))
        callee.on("datachannel", lambda channel: channel.on("message", lambda text: channel.send(f"heard {text}")))
        await callee.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await callee.setLocalDescription(await callee.createAnswer())
        return callee, callee.localDescription.sdp

    page = silent_browser.new_page()
    try:
        page.goto("about:blank")
        offer = page.evaluate(OFFER, turn.ice_server(transport))
        assert "typ relay" in offer
        assert "typ host" not in offer
        callee, sdp = loop.run(answer(offer))
        assert page.evaluate(ACCEPT, sdp) == "heard through the relay"
        assert turn.relayed_packets > 0
        assert page.evaluate(CANDIDATE) == ["relay", transport]
        loop.run(callee.close())
    finally:
        page.close()
        loop.run(turn.__aexit__())
