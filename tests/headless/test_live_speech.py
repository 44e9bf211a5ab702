"""One spoken turn of GPT-Live with the real engines: the embedded server as `Local(protocol="live")` calls it."""

from __future__ import annotations

import pytest

from rtc_widget.server.process import Address
from rtc_widget.signaling.local import Local
from tests.conformance import record
from tests.limits import eventually
from tests.speech import recognize, word_error_rate
from tests.unit.server.conftest import address, local_server
from tests.unit.server.peer import RATE, Peer

__all__ = ["address", "local_server"]  # fixtures

pytestmark = [pytest.mark.speech, pytest.mark.alone]

QUESTION = "What is a jitter buffer?"


async def test_a_spoken_turn(request: pytest.FixtureRequest, address: Address) -> None:
    def words(peer: Peer, side: str) -> str:
        kind = f"session.{side}_transcript.delta"
        return "".join(event["delta"] for event in peer.events if event["type"] == kind)

    async with Peer(Local(protocol="live"), first="session.started") as peer:
        peer.say(QUESTION)
        await eventually(lambda: words(peer, "output").count(".") >= 1)
        spoken = words(peer, "output")
        peer.send({"type": "session.close"})
        closed = await peer.wait_for("session.closed")
        record.live_validated(request.node.name, peer.events)

    assert word_error_rate(QUESTION, words(peer, "input")) <= 0.2
    assert spoken.startswith("A jitter buffer holds arriving packets")
    assert word_error_rate(spoken, recognize(peer.heard(), RATE)) <= 0.3
    assert closed["usage"]["seconds"] >= 2
