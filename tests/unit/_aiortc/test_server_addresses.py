from __future__ import annotations

import asyncio
import re
import socket

import pytest
from aiortc import RTCConfiguration

from rtc_widget._aiortc.connection import Connection, offer_loopback_when_alone
from rtc_widget._aiortc.server_addresses import offer_address, use_udp_ports


async def candidates() -> list[tuple[str, int]]:
    offer_loopback_when_alone()
    connection = Connection(RTCConfiguration(iceServers=[]))
    connection.createDataChannel("x")
    await connection.setLocalDescription(await connection.createOffer())
    found = re.findall(r"^a=candidate:\S+ \d udp \d+ (\S+) (\d+) typ host", connection.localDescription.sdp, re.M)
    await connection.close()
    return [(host, int(port)) for host, port in found]


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


async def test_a_server_uses_only_the_given_udp_ports():
    ports = free_ports(2)
    use_udp_ports(asyncio.get_running_loop(), ports)
    found = await candidates()
    assert found
    assert {port for _, port in found} <= set(ports)


async def test_a_socket_that_names_its_port_keeps_it_and_a_full_range_is_an_error():
    (port, other) = free_ports(2)
    loop = asyncio.get_running_loop()
    use_udp_ports(loop, [port])
    taken, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", other))
    assert taken.get_extra_info("sockname")[1] == other
    taken.close()
    first, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
    assert first.get_extra_info("sockname")[1] == port
    with pytest.raises(OSError, match="no UDP port is free"):
        await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
    first.close()


async def test_a_server_behind_a_one_to_one_nat_offers_its_public_address_with_its_own_ports():
    own = {host for host, _ in await candidates()}
    undo = offer_address("203.0.113.7")
    try:
        found = await candidates()
    finally:
        undo()
    public = [port for host, port in found if host == "203.0.113.7"]
    assert found[0][0] == "203.0.113.7"
    assert set(public) == {port for host, port in found if host in own and ":" not in host}
    assert "203.0.113.7" not in [host for host, _ in await candidates()]
