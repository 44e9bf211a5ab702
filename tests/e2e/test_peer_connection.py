"""`PeerConnection` in real JupyterLab: carried from cell to cell, against other peers and servers, and its ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from tests.e2e.lab import Lab, NotebookPage, evaluate, eventually
from tests.e2e.voice_server import VoiceServer

PEERS = """
from rtc_widget import Local, OpenAI, PeerConnection
from rtc_widget.errors import WebRTCError
import rtc_widget
pc, other = PeerConnection(), PeerConnection({other})
display(pc, other)
"""
MEDIA = """
channel = await pc.create_data_channel("chat")
await pc.{media}
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
WRONG_ORDER = """
wrong = []
offer = await other.create_offer()
steps = {
    "an answer to no offer": lambda: pc.create_answer(),
    "a candidate too early": lambda: pc.add_ice_candidate(CANDIDATE),
    "an answer that nobody asked for": lambda: pc.set_remote_description(str(offer), type="answer"),
    "no SDP": lambda: pc.set_remote_description("hello", type="offer"),
    "no ICE server": lambda: pc.set_configuration(ice_servers=[{"urls": "http://127.0.0.1"}]),
    "two limits": lambda: pc.create_data_channel("x", max_retransmits=1, max_packet_life_time=1),
}
CANDIDATE = {"candidate": "candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host", "sdpMid": "0", "sdpMLineIndex": 0}
for name, step in steps.items():
    try:
        await step()
    except Exception as error:
        wrong.append([name, type(error).__name__, bool(error.what_next)])
"""
ERRORS = [
    ["an answer to no offer", "InvalidStateError", True],
    ["a candidate too early", "InvalidStateError", True],
    ["an answer that nobody asked for", "InvalidStateError", True],
    ["no SDP", "OperationError", True],
    ["no ICE server", "WebRTCSyntaxError", True],
    ["two limits", "WebRTCTypeError", True],
]
AFTER_THE_END = """
try:
    await pc.create_offer()
except Exception as error:
    after = type(error).__name__
"""


def run(page: NotebookPage, count: int) -> None:
    for _ in range(count):
        page.run_next()


def connected(opened: Callable[..., NotebookPage], browser: Browser, *, other: str = "", media: str) -> NotebookPage:
    cells = [PEERS.format(other=other), MEDIA.format(media=media), OFFER, ANSWER, TRICKLE, AFTER_THE_END]
    page = opened(browser, *cells)
    run(page, 4)
    return page


def browser_states(page: NotebookPage) -> set[str]:
    return set(page.spy("spy.peers.map((peer) => peer.connectionState)"))


@pytest.mark.parametrize("other", ["", "page='headless'", "page='aiortc'"])
def test_a_peer_is_connected_from_cell_to_cell(opened, silent_browser, lab: Lab, other: str):
    page = connected(opened, silent_browser, other=other, media="add_tone(440)")
    kernel = lab.kernel_client()
    eventually(lambda: evaluate(kernel, MESSAGES) == ["Hello"])
    eventually(lambda: evaluate(kernel, STATES) == ["stable", "connected", "connected", "connected", "open"])
    assert page.spy("spy.microphone.length") == 0
    view = page.page.locator(".rtc-peer").first
    assert "Peer connection: connected" in view.inner_text()
    assert view.locator(".rtc-node[data-lit=true]").get_attribute("data-state") == "stable"
    assert view.locator(".rtc-edge[data-lit=true]").get_attribute("data-edge") == "have-local-offer stable"


def test_wrong_steps_are_errors_of_their_names(opened, silent_browser, lab: Lab):
    page = opened(silent_browser, PEERS.format(other=""), WRONG_ORDER)
    run(page, 1)
    assert evaluate(lab.kernel_client(), "wrong") == ERRORS


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


def test_peers_end_with_the_page_and_the_kernel_learns_it(opened, silent_browser, lab: Lab):
    page = connected(opened, silent_browser, media="add_microphone()")
    kernel = lab.kernel_client()
    page.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.page.reload()
    eventually(lambda: evaluate(kernel, "[pc.connection_state, other.connection_state]") == ["closed", "closed"])
    kernel.execute_interactive(AFTER_THE_END)
    assert evaluate(kernel, "after") == "PeerClosed"


def test_peers_end_with_their_kernel(opened, silent_browser, lab: Lab):
    page = connected(opened, silent_browser, media="add_microphone()")
    assert browser_states(page) == {"connected"}
    page.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.page.wait_for_function("() => __spy.peers.every((peer) => peer.connectionState === 'closed')")
    assert set(page.spy("spy.microphone.map((track) => track.readyState)")) == {"ended"}
