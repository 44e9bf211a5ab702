"""Two `PeerConnection`s of a notebook: driven from its cells, drawn below them, and ended with whatever holds them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.lab import NotebookPage
from tests.limits import HANGS

MAKE = """
from rtc_widget import PeerConnection
a, b = PeerConnection(), PeerConnection()
display(a, b)
"""
CONNECT = f"""
channel = await a.create_data_channel("chat")
await a.add_microphone()
await a.set_local_description(await a.create_offer())
await b.set_remote_description(a.local_description)
await b.set_local_description(await b.create_answer())
await a.set_remote_description(b.local_description)
if a.ice_gathering_state != "complete":
    await a.wait_for("icegatheringstatechange", {HANGS}, where=lambda event: a.ice_gathering_state == "complete")
for candidate in a.candidates:
    await b.add_ice_candidate(candidate)
if channel.ready_state != "open":
    await channel.wait_for("open", {HANGS})
if not b.channels:
    await b.wait_for("datachannel", {HANGS})
await channel.send("Hello")
if not b.events.of("message"):
    await b.wait_for("message", {HANGS})
print(*[(event.source, event.payload) for event in b.events.of("message")])
"""
AIORTC = """
from rtc_widget import PeerConnection
a, b = PeerConnection(), PeerConnection(page="aiortc")
a
"""
SERVER = """
import rtc_widget
a = rtc_widget.PeerConnection()
a
"""
EXCHANGE = """
channel = await a.create_data_channel("oai-events")
await a.add_tone()
await a.set_local_description(await a.create_offer())
if a.ice_gathering_state != "complete":
    await a.wait_for("icegatheringstatechange", {hangs}, where=lambda event: a.ice_gathering_state == "complete")
await a.set_remote_description(await a.exchange({signaling}))
if not a.events.of("message"):
    await channel.wait_for("message", {hangs})
print(a.events.of("message")[0].payload["text"])
"""
WRONG = """
try:
    await a.create_answer()
except Exception as error:
    print(type(error).__name__, error.what_next)
"""
END = "print(a.signaling_state, b.connection_state)"
AFTERWARDS = """
try:
    await a.create_offer()
except Exception as error:
    print(type(error).__name__)
"""
CLOSE = "await a.close(); await b.close()"


@pytest.fixture
def page(opened: Callable[..., NotebookPage], silent_browser: Browser) -> NotebookPage:
    """Opens a notebook with two peers that are connected, one of which sends the microphone."""
    page = opened(silent_browser, MAKE, CONNECT, WRONG, END, AFTERWARDS, CLOSE)
    expect(page.page.locator(".rtc-peer")).to_have_count(2)
    assert page.spy("spy.peers.length") == 0, "a widget that is only displayed opens no connection"
    page.run_next()
    expect(page.page.locator(".rtc-peer[data-connection-state=connected]")).to_have_count(2)
    assert page.spy("spy.microphone[0].readyState") == "live"
    return page


def wait_until_over(page: NotebookPage) -> None:
    page.page.wait_for_function(
        "() => __spy.microphone.every((track) => track.readyState === 'ended')"
        " && __spy.peers.every((peer) => peer.signalingState === 'closed')"
    )


def test_operations_reach_the_page_and_its_events_the_kernel(page):
    assert page.output(1).strip() == "('channel:1', {'text': 'Hello'})"
    page.run_next()
    assert page.output(2).startswith("InvalidStateError Set the offer first")
    picture = page.page.locator(".rtc-peer").first
    expect(picture.locator("[data-state=stable][data-lit=true]")).to_have_count(1)
    expect(picture.locator(".rtc-bar[data-op=create_answer][data-outcome=failed]")).to_have_count(1)
    expect(picture.locator("tr[data-selected=true]")).to_have_count(1)
    page.focus_cell(5)
    page.run_next()
    wait_until_over(page)
    expect(page.page.locator(".rtc-peer[data-signaling-state=closed]")).to_have_count(2)


def test_a_restart_of_the_kernel_ends_the_connections(page):
    page.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    wait_until_over(page)
    expect(page.page.locator(".rtc-peer [role=alert]").first).to_contain_text("The kernel restarted or died")


def test_a_reload_of_the_page_ends_the_connections(page):
    page.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.page.reload()
    page.wait_for_restored_widget()
    page.focus_cell(3)
    page.run_next()
    assert page.output(3).strip() == "closed closed"
    page.run_next()
    assert page.output(4).strip() == "PeerClosed"
    assert page.spy("spy.peers.length") == 0


@pytest.mark.parametrize("speaking", ["await a.add_microphone()", "await a.add_tone()"])
def test_a_peer_of_the_page_connects_to_one_of_aiortc_in_the_kernel(opened, silent_browser, speaking):
    page = opened(silent_browser, AIORTC, CONNECT.replace("await a.add_microphone()", speaking), CLOSE)
    page.run_next()
    assert page.output(1).strip() == "('channel:1', {'text': 'Hello'})"
    expect(page.page.locator(".rtc-peer[data-connection-state=connected]")).to_have_count(1)
    page.run_next()
    wait_until_over(page)


def test_a_peer_of_the_page_connects_to_the_embedded_server(opened, silent_browser, server):
    exchange = EXCHANGE.format(signaling=server.signaling, hangs=HANGS)
    page = opened(silent_browser, SERVER, exchange, "await a.close()")
    page.run_next()
    assert '"session.created"' in page.output(1)
    page.run_next()
    wait_until_over(page)
    server.wait_for_calls(0)
