"""A `PeerConnection` of the page connects to what is not in the page: headless peers, and the embedded server."""

from __future__ import annotations

import pytest

from tests.e2e.lab import Lab, NotebookPage, evaluate, eventually
from tests.e2e.voice_server import VoiceServer

PEERS = """
from rtc_widget import Local, OpenAI, PeerConnection
import rtc_widget
pc, other = PeerConnection(), PeerConnection({other})
display(pc, other)
"""
MEDIA = """
channel = await pc.create_data_channel("chat")
await pc.add_tone(440)
"""
OFFER = "await pc.set_local_description(await pc.create_offer())"
ANSWER = """
await other.set_remote_description(pc.local_description)
await other.set_local_description(await other.create_answer())
await pc.set_remote_description(other.local_description)
"""
# One side's candidates are enough.
TRICKLE = """
if pc.ice_gathering_state != "complete":
    await pc.wait_for("icegatheringstatechange", where=lambda event: pc.ice_gathering_state == "complete")
for candidate in pc.candidates:
    await other.add_ice_candidate(candidate)
if channel.ready_state != "open":
    await channel.wait_for("open")
await channel.send("Hello")
"""
MESSAGES = "[event.text for event in other.events.of('message')]"
STATES = "[pc.signaling_state, pc.connection_state, pc.dtls_state, other.connection_state, channel.ready_state]"
AFTER_THE_END = """
try:
    await pc.create_offer()
except Exception as error:
    after = type(error).__name__
"""


def run(page: NotebookPage, count: int) -> None:
    for _ in range(count):
        page.run_next()


@pytest.mark.parametrize("other", ["headless", "aiortc"])
def test_a_peer_in_the_kernel(opened, silent_browser, lab: Lab, other: str):
    page = opened(silent_browser, PEERS.format(other=f"page={other!r}"), MEDIA, OFFER, ANSWER, TRICKLE)
    run(page, 4)
    kernel = lab.kernel_client()
    eventually(lambda: evaluate(kernel, MESSAGES) == ["Hello"])
    eventually(lambda: evaluate(kernel, STATES) == ["stable", "connected", "connected", "connected", "open"])
    assert page.spy("spy.microphone.length") == 0
    view = page.page.locator(".rtc-peer").first
    assert "Peer connection: connected" in view.inner_text()
    assert view.locator(".rtc-node[data-lit=true]").get_attribute("data-state") == "stable"
    assert view.locator(".rtc-edge[data-lit=true]").get_attribute("data-edge") == "have-local-offer stable"


def test_a_call_with_the_embedded_server_is_made_by_hand(opened, silent_browser, server: VoiceServer, lab: Lab):
    server.wait_for_calls(0)
    by_hand = f"""
channel = await pc.create_data_channel("oai-events")
sender = await pc.add_microphone()
await pc.set_local_description(await pc.create_offer())
answer = await pc.exchange({server.signaling})
await pc.set_remote_description(answer)
first = await channel.wait_for("message")
"""
    page = opened(silent_browser, PEERS.format(other=""), by_hand, "await pc.close()", AFTER_THE_END)
    run(page, 1)
    kernel = lab.kernel_client()
    assert "session.created" in evaluate(kernel, "first.text")
    server.wait_for_calls(1)
    assert page.spy("spy.microphone.map((track) => track.readyState)") == ["live"]
    run(page, 2)
    assert page.spy("spy.microphone.map((track) => track.readyState)") == ["ended"]
    server.wait_for_calls(0)
    assert evaluate(kernel, "after") == "PeerClosed"
