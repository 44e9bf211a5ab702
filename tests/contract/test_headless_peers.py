"""The headless page of peers keeps the contract of `peer.json` with the page in the browser."""

from __future__ import annotations

import asyncio
import inspect
import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from rtc_widget.headless.peers.aiortc_engine import AiortcEngine
from rtc_widget.headless.peers.engine import OPERATIONS, PeerEngine
from rtc_widget.headless.peers.errors import ERROR_NAMES
from rtc_widget.headless.peers.handles import kind_of
from tests.unit.headless.peer_driver import PeerDriver, connected, negotiate

CONTRACT = json.loads((Path(__file__).parent / "peer.json").read_text())

needs_wrtc = pytest.mark.skipif(find_spec("webrtc") is None, reason="needs wrtc (extra `teach`)")
engines = pytest.mark.parametrize("engine", [pytest.param("wrtc", marks=needs_wrtc), "aiortc"])


def test_the_table_of_operations_is_that_of_the_contract():
    assert {"create", *OPERATIONS} == set(CONTRACT["operations"])


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
@engines
def test_an_operation_takes_the_arguments_of_the_contract(engine, operation):
    if engine == "wrtc":
        from rtc_widget.headless.peers.wrtc_engine import WrtcEngine as Engine
    else:
        Engine = AiortcEngine
    arguments = set(CONTRACT["operations"][operation]["args"])
    for owner in (PeerEngine, Engine):
        taken = set(inspect.signature(getattr(owner, operation)).parameters) - {"self"}
        assert taken - {"base64"} == arguments


def test_the_names_of_errors_are_those_of_the_contract():
    assert set(CONTRACT["error_names"]) == ERROR_NAMES


@engines
async def test_objects_events_and_messages_are_those_of_the_contract(engine):
    a, b = PeerDriver(engine), PeerDriver(engine)
    try:
        await a("add_track", media={"kind": "tone", "hz": 440})
        await a("create_data_channel", label="chat", options={})
        await negotiate(a, b)
        await connected(a, b)
        await b.until("ready_state", "open", "channel:1")
        await b("send", channel="channel:1", text="Hello")
        await a("close_channel", channel="channel:1")
        await b.until("ready_state", "closed", "channel:1")
    finally:
        for driver in (a, b):
            await asyncio.wrap_future(driver.page._end())
    for driver in (a, b):
        assert {kind_of(handle) for handle in driver.objects} == set(CONTRACT["objects"])
        for handle, attributes in driver.objects.items():
            assert set(attributes) == set(CONTRACT["objects"][kind_of(handle)])
        for source, name, payload in driver.events:
            example = CONTRACT["events"][name]
            if name not in ("statechange", "close"):
                assert kind_of(source) == kind_of(example["source"])
            assert (payload is None) == (example["payload"] is None), name
            if isinstance(payload, dict) and name != "message":
                assert set(payload) - {"error"} == set(example["payload"]), name
        rows = CONTRACT["events"]["pairs"]["payload"]["pairs"][0]
        assert all(set(pair) == set(rows) for pairs in driver.payloads("pairs") for pair in pairs["pairs"])
        for name, values in CONTRACT["states"].items():
            handle = "dtls:1" if name == "dtls_state" else "pc"
            assert driver.objects[handle]["state" if name == "dtls_state" else name] in values["enum"]
    [reply, *_] = [message for message in a.messages if message["type"] == "reply"]
    assert set(reply) == {"type", "page", "id", "seq", "result"}
    batch = next(message for message in a.messages if message["type"] == "peer_events")
    assert set(batch) == set(CONTRACT["from_page"]["peer_events"])
    assert json.loads(json.dumps(a.messages)) == a.messages
