"""Every packet of a real connection takes its path, and aioice has what the path needs."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest

from tests.limits import HANGS, eventually

pytest.importorskip("aiortc")

from aioice import ice
from aiortc import RTCConfiguration, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from rtc_widget._aiortc.aioice_sockets import PathTransport, pass_through
from rtc_widget._aiortc.connection import Connection
from rtc_widget._aiortc.network import Network, NetworkConditions

Ends = tuple[Connection, Connection]


async def connect(*ends: Connection) -> None:
    caller, callee = ends
    caller.addTrack(AudioStreamTrack())
    callee.addTrack(AudioStreamTrack())
    caller.createDataChannel("events")
    await caller.setLocalDescription(await caller.createOffer())
    await callee.setRemoteDescription(RTCSessionDescription(caller.localDescription.sdp, "offer"))
    await callee.setLocalDescription(await callee.createAnswer())
    await caller.setRemoteDescription(RTCSessionDescription(callee.localDescription.sdp, "answer"))
    await eventually(lambda: caller.connectionState == callee.connectionState == "connected")


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    """Two ends of a connection that stands; the network of the first can be changed."""
    found = Connection(RTCConfiguration(iceServers=[])), Connection(RTCConfiguration(iceServers=[]))
    await connect(*found)
    yield found
    async with asyncio.timeout(HANGS):
        for end in found:
            await end.close()


async def stat(end: Connection, kind: str, name: str) -> float:
    return max((getattr(report, name) for report in (await end.getStats()).values() if report.type == kind), default=0)


async def received(end: Connection) -> int:
    return int(await stat(end, "inbound-rtp", "packetsReceived"))


async def until_carried(end: Connection, packets: int) -> None:
    """Wait until so many packets more have been on their way in both directions."""

    def seen() -> int:
        report = end.network.report()
        return min(path.carried + path.dropped for path in (report.sent, report.received))

    begin = seen()
    await eventually(lambda: seen() >= begin + packets)


async def test_aioice_has_what_the_path_needs():
    """A new aioice may make its sockets in another way: then this fails, and not a lesson."""
    connection = ice.Connection(ice_controlling=True, use_ipv6=False)
    network = Network()
    pass_through(connection, network)
    other = ice.Connection(ice_controlling=True, use_ipv6=False)
    await connection.gather_candidates()
    await other.gather_candidates()

    assert connection._protocols
    for protocol in connection._protocols:
        assert isinstance(protocol.transport, PathTransport)
        assert protocol.receiver is connection
    # One that was not asked for stays as aioice makes it.
    assert not any(isinstance(protocol.transport, PathTransport) for protocol in other._protocols)

    first, second = connection._protocols[0], other._protocols[0]
    there = (second.local_candidate.host, second.local_candidate.port)
    here = (first.local_candidate.host, first.local_candidate.port)
    await first.send_data(b"out", there)
    await second.send_data(b"in", here)
    await eventually(lambda: network.report().received.carried)
    assert network.report().sent.carried == 1
    assert connection._queue.get_nowait() == (b"in", 1)
    await connection.close()
    await other.close()


async def test_all_packets_of_a_call_are_counted(ends):
    await until_carried(ends[0], 50)

    report = ends[0].network.report()
    assert report.sent.dropped == report.received.dropped == 0
    assert await received(ends[0]) > 10
    assert report.received.carried > await received(ends[0])


@pytest.mark.parametrize("loss", [0.1, 0.3])
async def test_lost_packets_are_seen_at_both_ends(ends, loss):
    await until_carried(ends[0], 20)
    before = [(await received(end), await stat(end, "inbound-rtp", "packetsLost")) for end in ends]
    ends[0].network.change(NetworkConditions(loss=loss, seed=1))
    await until_carried(ends[0], 400)

    for end, (received_before, lost_before) in zip(ends, before, strict=True):
        lost = await stat(end, "inbound-rtp", "packetsLost") - lost_before
        share = lost / (lost + await received(end) - received_before)
        assert loss / 2 < share < loss * 1.7, f"{share:.1%} lost"
    dropped = ends[0].network.report()
    assert loss / 2 < dropped.sent.lost / 400
    assert loss / 2 < dropped.received.lost / 400


async def test_delay_is_in_the_round_trip_time(ends):
    ends[0].network.change(NetworkConditions(delay=80))
    found = 0.0
    async with asyncio.timeout(HANGS):
        while found < 0.155:
            found = await stat(ends[1], "remote-inbound-rtp", "roundTripTime") or 0.0
            await asyncio.sleep(0.1)

    assert found < 1.0


async def test_a_link_that_was_down_carries_the_call_again(ends):
    await until_carried(ends[0], 20)
    ends[0].network.change(NetworkConditions(down=True))
    await until_carried(ends[0], 20)
    before = [await received(end) for end in ends]
    await until_carried(ends[0], 20)
    assert [await received(end) for end in ends] == before
    # A packet that was on its way when the link went down is counted as carried.
    await eventually(lambda: ends[0].network.report().sent.link_down >= 40)

    ends[0].network.change(NetworkConditions())
    await until_carried(ends[0], 20)
    after = [await received(end) for end in ends]
    assert all(now > then for now, then in zip(after, before, strict=True))
    assert [end.connectionState for end in ends] == ["connected", "connected"]


async def test_one_direction_can_be_cut_alone(ends):
    ends[0].network.change(NetworkConditions(down=True), "sent")
    await until_carried(ends[0], 10)
    before = [await received(end) for end in ends]
    await until_carried(ends[0], 30)

    assert await received(ends[1]) == before[1]
    assert await received(ends[0]) > before[0]


async def test_a_call_that_ends_while_packets_are_delayed_leaves_nothing_behind():
    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(str(context)))
    before = asyncio.all_tasks()
    found = Connection(RTCConfiguration(iceServers=[])), Connection(RTCConfiguration(iceServers=[]))
    await connect(*found)
    for end in found:
        end.network.change(NetworkConditions(delay=50))
    await until_carried(found[0], 20)
    for end in found:
        await end.close()
    await asyncio.sleep(0.1)
    gc.collect()

    assert complaints == []
    assert asyncio.all_tasks() == before
