"""What goes wrong with a `PeerConnection` in Chromium: wrong steps, too many connections, ends without a goodbye."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from tests.e2e.lab import NotebookPage, evaluate

DISPLAYED = """
from IPython.display import display
from rtc_widget import PeerConnection, errors
a, b = PeerConnection(), PeerConnection()
display(a, b)
"""
CONNECTED = """
channel = await a.create_data_channel("chat")
await a.set_local_description(await a.create_offer())
await b.set_remote_description(a.local_description)
await b.set_local_description(await b.create_answer())
await a.set_remote_description(b.local_description)
if a.ice_gathering_state != "complete":
    await a.wait_for("icegatheringstatechange", 300, where=lambda event: a.ice_gathering_state == "complete")
for candidate in a.candidates:
    await b.add_ice_candidate(candidate)
if channel.ready_state != "open":
    await channel.wait_for("open", 300)
"""
ERRORS = """
async def name_of(operation):
    try:
        await operation
    except errors.WebRTCError as error:
        return error.name if error.why and error.what_next else "without a reason"
    return "no error"

async def fresh(operation):
    pc = PeerConnection()
    display(pc)
    try:
        return await name_of(operation(pc))
    finally:
        await pc.close()

async def as_answer(pc):
    await pc.create_data_channel("chat")
    await pc.set_local_description(await pc.create_offer())
    await pc.set_remote_description(str(await pc.create_offer()), type="answer")

async def early_message(pc):
    await (await pc.create_data_channel("chat")).send("Hello")

async def other_bundle_policy(pc):
    await pc.create_offer()
    await pc.set_configuration(bundle_policy="max-bundle")

async def changed_fingerprint(pc):
    await pc.create_data_channel("chat")
    offer = str(await pc.create_offer())
    place = offer.index("a=fingerprint:sha-256 ") + 22
    changed = offer[:place] + ("B" if offer[place] == "A" else "A") + offer[place + 1:]
    await pc.set_local_description(changed, type="offer")

async def other_encodings(pc):
    sender = await pc.add_tone()
    parameters = await sender.get_parameters()
    await sender.set_parameters(parameters | {"encodings": parameters["encodings"] * 2})

async def http_server(pc):
    await pc.set_configuration(ice_servers=["http://host"])

async def no_credential(pc):
    await pc.set_configuration(ice_servers=["turn:host"])

async def after_the_end(pc):
    await pc.create_offer()
    await pc.close()
    await pc.create_offer()

names = {}
await a.create_data_channel("chat")
offer = await a.create_offer()
await a.close()
candidate = "candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host"
for operation in (as_answer, early_message, other_bundle_policy, changed_fingerprint, other_encodings, http_server,
                  no_credential, after_the_end):
    names[operation.__name__] = await fresh(operation)
names["answer in stable"] = await fresh(lambda pc: pc.create_answer())
names["answer to nothing"] = await fresh(lambda pc: pc.set_remote_description(str(offer), type="answer"))
names["garbage"] = await fresh(lambda pc: pc.set_remote_description("garbage", type="offer"))
names["early candidate"] = await fresh(lambda pc: pc.add_ice_candidate({"candidate": candidate, "sdpMid": "0"}))
names["candidate without section"] = await fresh(lambda pc: pc.add_ice_candidate(candidate))
names["contradicting channel"] = await fresh(
    lambda pc: pc.create_data_channel("x", max_retransmits=0, max_packet_life_time=5))
"""
# What Chromium makes of each wrong step.
NAMES = {
    "as_answer": "InvalidAccessError",
    "early_message": "InvalidStateError",
    "other_bundle_policy": "InvalidModificationError",
    "changed_fingerprint": "InvalidModificationError",
    "other_encodings": "InvalidModificationError",
    "http_server": "SyntaxError",
    "no_credential": "InvalidAccessError",
    "after_the_end": "peer_closed",
    "answer in stable": "InvalidStateError",
    "answer to nothing": "InvalidStateError",
    "garbage": "OperationError",
    "early candidate": "InvalidStateError",
    "candidate without section": "TypeError",
    "contradicting channel": "TypeError",
}


@pytest.fixture
def displayed(opened: Callable[..., NotebookPage], silent_browser: Browser) -> Callable[..., NotebookPage]:
    """Opens a notebook whose first cell shows two connections, and runs the others."""

    def open(*cells: str) -> NotebookPage:
        page = opened(silent_browser, DISPLAYED, *cells)
        for index, _ in enumerate(cells, 1):
            page.run_next()
            assert "Traceback" not in page.output(index), page.output(index)
        return page

    return open


def test_wrong_steps_raise_the_w3cs_errors_with_reasons(displayed, lab):
    displayed(ERRORS)
    assert evaluate(lab.kernel_client(), "names") == NAMES


def test_a_kernel_that_dies_ends_the_connections_and_frees_the_microphone(displayed, lab):
    page = displayed("sender = await a.add_microphone()", CONNECTED)
    assert page.spy("spy.microphone.at(-1).readyState") == "live"
    os.kill(evaluate(lab.kernel_client(), "__import__('os').getpid()"), signal.SIGKILL)
    page.page.wait_for_function(
        "() => __spy.microphone.every((track) => track.readyState === 'ended')"
        " && __spy.peers.every((peer) => peer.connectionState === 'closed')"
    )


def test_closing_the_widget_frees_the_microphone(displayed, lab):
    page = displayed("sender = await a.add_microphone()")
    assert page.spy("spy.microphone.at(-1).readyState") == "live"
    evaluate(lab.kernel_client(), "str(a.remove())")
    page.page.wait_for_function("() => __spy.microphone.every((track) => track.readyState === 'ended')")


def test_a_page_has_eight_open_connections(displayed, lab):
    displayed(
        "many = [PeerConnection() for _ in range(9)]\ndisplay(*many)",
        "for pc in many[:8]:\n    await pc.create_offer()",
        "try:\n    await many[8].create_offer()\nexcept errors.TooManyPeers as error:\n    refused = str(error)",
        "await many[0].close()\noffer = await many[8].create_offer()",
        "for pc in many:\n    await pc.close()",
    )
    kernel = lab.kernel_client()
    assert "Close one" in evaluate(kernel, "refused")
    assert evaluate(kernel, "offer.type") == "offer"
