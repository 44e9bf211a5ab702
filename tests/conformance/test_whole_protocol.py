"""All that a client may send is known, and all that a server sends was seen in the flows of the other files."""

from __future__ import annotations

import pytest

from rtc_widget.server.protocols.live.server_events import LIVE_FIELDS
from rtc_widget.server.protocols.realtime.client_events import CLIENT_EVENTS
from rtc_widget.server.protocols.realtime.server_events import REQUIRED_FIELDS
from tests.conformance.record import EVENTS, FLOWS, LIVE_EVENTS, LIVE_FLOWS
from tests.unit.server.official import client_event_types, server_event_types


def test_the_server_knows_every_event_of_a_client() -> None:
    assert CLIENT_EVENTS.keys() == client_event_types()


NOT_SENT = {
    "conversation.item.created",  # of the beta; `added` and `done` took its place
    "input_audio_buffer.dtmf_event_received",  # SIP
    "conversation.item.input_audio_transcription.segment",  # of models that tell speakers apart
}


def test_the_server_sends_every_event_of_a_server_but_those_that_cannot_occur() -> None:
    missing = server_event_types() - REQUIRED_FIELDS.keys()

    assert {kind for kind in missing if "mcp" not in kind} == NOT_SENT
    assert REQUIRED_FIELDS.keys() <= server_event_types()


def test_every_event_that_the_server_sends_was_seen(request: pytest.FixtureRequest) -> None:
    # Each process of pytest-xdist knows its own flows only; a skip there would hide that nothing was asked.
    assert not hasattr(request.config, "workerinput"), "the flows must be run in one process, without -n"
    if len(FLOWS) < 25:
        pytest.skip("only some of the flows were run")
    assert EVENTS.keys() == REQUIRED_FIELDS.keys()


def test_every_event_that_a_live_session_sends_was_seen(request: pytest.FixtureRequest) -> None:
    assert not hasattr(request.config, "workerinput"), "the flows must be run in one process, without -n"
    if len(LIVE_FLOWS) < 25:
        pytest.skip("only some of the flows were run")
    assert LIVE_FIELDS.keys() <= LIVE_EVENTS.keys()
