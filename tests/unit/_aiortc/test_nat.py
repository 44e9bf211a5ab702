"""Which pair of candidates connects two peers behind NATs: the table that RFC 8445 leads to."""

from __future__ import annotations

import asyncio
import sys

import pytest

from tests.limits import HANGS, eventually

pytest.importorskip("aiortc")

from aioice import ice, stun
from aiortc import RTCConfiguration, RTCIceServer, RTCSessionDescription

from rtc_widget._aiortc.aioice_sockets import pass_through
from rtc_widget._aiortc.connection import Connection
from rtc_widget._aiortc.nat import NAT_KINDS, PRIVATE_HOST, Nat, NatKind
from rtc_widget._aiortc.network import Network
from rtc_widget.server.network import StunServer, TurnServer

NO_WAY = "no way"
TABLE = """
                 | open      | full cone  | port-restricted | symmetric
open             | host-host | host-srflx | host-srflx      | host-prflx
full cone        | host-host | host-srflx | host-srflx      | host-prflx
port-restricted  | host-host | host-srflx | host-srflx      | no way
symmetric        | host-host | host-srflx | no way          | no way
"""
ROWS = [[cell.strip() for cell in row.split("|")] for row in TABLE.strip("\n").splitlines()]
CELLS = [(row[0], column, cell) for row in ROWS[1:] for column, cell in zip(ROWS[0][1:], row[1:], strict=True)]
OTHER_HOST = "127.0.0.2"


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


def give_up_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send a check three times instead of seven: where there is no way, nothing can arrive anyway."""
    monkeypatch.setattr(stun, "RETRY_MAX", 2)
    monkeypatch.setattr(stun, "RETRY_RTO", 0.1)


async def pair_of(first: Nat, second: Nat, stun_server: StunServer) -> str:
    """Return the types of the candidates with which a peer behind `first` reaches one behind `second`."""
    peers = [ice.Connection(ice_controlling=is_first, stun_server=stun_server.address) for is_first in (True, False)]
    for peer, nat in zip(peers, (first, second), strict=True):
        pass_through(peer, Network(), nat)
        await peer.gather_candidates()
    for peer, other in zip(peers, reversed(peers), strict=True):
        peer.remote_username, peer.remote_password = other.local_username, other.local_password
        for candidate in other.local_candidates:
            await peer.add_remote_candidate(candidate)
        await peer.add_remote_candidate(None)
    try:
        async with asyncio.timeout(HANGS):
            await asyncio.gather(*(peer.connect() for peer in peers))
            await peers[0].send(b"through the NATs")
            assert await peers[1].recv() == b"through the NATs"
    except ConnectionError:
        return NO_WAY
    else:
        pair = peers[0]._nominated[1]
        return f"{pair.local_candidate.type}-{pair.remote_candidate.type}"
    finally:
        for peer in peers:
            await peer.close()


@pytest.mark.parametrize(("first", "second", "expected"), CELLS)
async def test_the_table(monkeypatch, first: NatKind, second: NatKind, expected):
    async with StunServer() as stun_server:
        if expected == NO_WAY:
            give_up_early(monkeypatch)
        assert await pair_of(Nat(first), Nat(second), stun_server) == expected


async def test_peers_behind_one_address_have_their_own_private_one():
    nat = Nat("full cone")
    async with StunServer() as stun_server:
        peer = ice.Connection(ice_controlling=True, stun_server=stun_server.address)
        pass_through(peer, Network(), nat)
        await peer.gather_candidates()
        found = {candidate.type: candidate for candidate in peer.local_candidates}
        await peer.close()

    assert found["host"].host == PRIVATE_HOST
    assert (found["srflx"].host, found["srflx"].related_address) == ("127.0.0.1", PRIVATE_HOST)
    assert found["srflx"].port != found["host"].port


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8 as its own addresses")
@pytest.mark.parametrize(
    ("kind", "from_same_address", "from_another"),
    [
        ("full cone", True, True),
        ("restricted", True, False),
        ("port-restricted", False, False),
        ("symmetric", False, False),
    ],
)
async def test_what_a_nat_lets_in(kind: NatKind, from_same_address, from_another):
    """The peer has contacted one address; what do another port of it and another address reach?"""
    nat = Nat(kind)
    loop = asyncio.get_running_loop()
    async with StunServer() as stun_server:
        peer = ice.Connection(ice_controlling=True, stun_server=stun_server.address)
        pass_through(peer, Network(), nat)
        await peer.gather_candidates()
        mapped = next(candidate for candidate in peer.local_candidates if candidate.type == "srflx")
        for host, passes in (("127.0.0.1", from_same_address), (OTHER_HOST, from_another)):
            before = nat.counts.received
            filtered = nat.counts.filtered
            transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(host, 0))
            transport.sendto(b"hello", (mapped.host, mapped.port))
            await eventually(lambda: nat.counts.received > before or nat.counts.filtered > filtered)  # noqa: B023
            assert (nat.counts.received > before) is passes, host
            transport.close()
        await peer.close()


async def test_two_symmetric_nats_connect_through_a_relay():
    """The whole way, with aiortc: a data channel, and packets that the server counts."""
    async with TurnServer() as turn:
        given = turn.ice_server()
        configuration = RTCConfiguration(
            iceServers=[RTCIceServer(given["urls"], given["username"], given["credential"])]
        )
        caller, callee = (Connection(configuration, nat=Nat("symmetric")) for _ in range(2))
        channel = caller.createDataChannel("events")
        arrived: list[str] = []
        callee.on("datachannel", lambda opened: opened.on("message", arrived.append))
        channel.on("open", lambda: channel.send("relayed"))
        await caller.setLocalDescription(await caller.createOffer())
        await callee.setRemoteDescription(RTCSessionDescription(caller.localDescription.sdp, "offer"))
        await callee.setLocalDescription(await callee.createAnswer())
        await caller.setRemoteDescription(RTCSessionDescription(callee.localDescription.sdp, "answer"))
        await eventually(lambda: arrived)
        assert arrived == ["relayed"]
        assert turn.relayed_packets > 0
        await caller.close()
        await callee.close()


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"nat must be one of 'open', 'full cone', .*, got 'cone'"):
        Nat("cone")  # type: ignore[arg-type]
    assert [Nat(kind).translates for kind in NAT_KINDS] == [False, True, True, True, True]
