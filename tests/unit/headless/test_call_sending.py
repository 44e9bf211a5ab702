"""What a headless page's call sends: all of the events, or none and a clear error."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("aiortc")

from rtc_widget.errors import NotConnected, SendQueueFull
from rtc_widget.headless import peer as peers
from rtc_widget.headless.call import INITIAL_STATE, MAX_BUFFERED_BYTES, Call
from rtc_widget.headless.microphone import MicrophoneTrack
from rtc_widget.headless.peer import Peer
from tests.limits import HANGS


async def test_a_flood_is_refused_while_the_channel_holds_what_has_not_left() -> None:
    sent: list[str] = []
    peer = SimpleNamespace(max_message_size=None, buffered_bytes=MAX_BUFFERED_BYTES - 3, send=sent.append)
    listener: Any = SimpleNamespace(event_passed=lambda attempt, direction, text: None)
    unused: Any = None
    call = Call(unused, unused, listener, unused)
    call.attempt = SimpleNamespace(id="a1", peer=peer)  # type: ignore[assignment]
    call.state = replace(INITIAL_STATE, data_channel_state="open")
    call.send(["{}"])
    with pytest.raises(SendQueueFull, match=f"{MAX_BUFFERED_BYTES - 3} bytes wait"):
        call.send(["{}", "{}"])
    assert sent == ["{}"]
    peer.buffered_bytes = 0
    call.send(["{}", "{}"])
    assert sent == ["{}"] * 3


class Channel:
    """A peer whose channel has room when the test says so."""

    max_message_size = None
    buffered_bytes = 0

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.has_room = asyncio.Event()

    async def until_room(self) -> None:
        await self.has_room.wait()

    def send(self, message: str) -> None:
        self.sent.append(message)


async def test_events_wait_in_turn_for_room_in_the_channel_and_not_for_the_next_call() -> None:
    listener: Any = SimpleNamespace(event_passed=lambda attempt, direction, text: None)
    unused: Any = None
    call = Call(unused, unused, listener, unused)
    channel = Channel()
    call.attempt = SimpleNamespace(id="a1", peer=channel)  # type: ignore[assignment]
    call.state = replace(INITIAL_STATE, data_channel_state="open")
    sending = [asyncio.create_task(call.send_in_turn([str(number)])) for number in range(3)]
    await asyncio.sleep(0)
    assert channel.sent == []
    channel.has_room.set()
    await asyncio.gather(*sending)
    assert channel.sent == ["0", "1", "2"]

    channel.has_room.clear()
    late = asyncio.create_task(call.send_in_turn(["late"]))
    await asyncio.sleep(0)
    call.attempt = SimpleNamespace(id="a2", peer=Channel())  # type: ignore[assignment]
    channel.has_room.set()
    with pytest.raises(NotConnected):
        await late
    assert channel.sent == ["0", "1", "2"]


async def test_a_channel_without_progress_is_told_and_one_with_progress_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peers, "STUCK_SECONDS", 0.01)
    unused: Any = SimpleNamespace(stop=lambda: None)
    peer = Peer("oai-events", [], MicrophoneTrack(lambda: False, lambda frame: None), unused)
    channel: Any = SimpleNamespace(readyState="open", bufferedAmount=peers.LOW_BYTES + 1, remove_all_listeners=int)
    real, peer._channel = peer._channel, channel
    try:
        with pytest.raises(SendQueueFull, match=f"{peers.LOW_BYTES + 1} bytes have waited"):
            await peer.until_room()
        with pytest.raises(SendQueueFull):
            await peer.until_room()
        # Slow progress is progress: after each of these bytes it would have been told without.
        leaving = peers.STUCK_SAMPLES * 3

        class Leaving(SimpleNamespace):
            @property
            def bufferedAmount(self) -> int:
                nonlocal leaving
                leaving -= leaving > 0
                return peers.LOW_BYTES + leaving

        peer._channel = Leaving(readyState="open", remove_all_listeners=int)  # type: ignore[assignment]
        peer._report_room()
        await peer.until_room()
        assert leaving == 0
        peer._channel = channel
        monkeypatch.setattr(peers, "STUCK_SECONDS", HANGS)
        waiting = asyncio.create_task(peer.until_room())
        await asyncio.sleep(0)
        assert not waiting.done()
        channel.bufferedAmount = peers.LOW_BYTES
        real.emit("bufferedamountlow")
        await waiting
    finally:
        await peer.close()
