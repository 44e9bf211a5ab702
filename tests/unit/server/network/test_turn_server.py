"""The servers for ICE, with real clients over real sockets."""

from __future__ import annotations

import asyncio
import os
import random
import struct
from typing import Any

import pytest
from aioice import ice, stun, turn
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCIceServer, RTCIceTransportPolicy, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from rtc_widget._aiortc.connection import Connection
from rtc_widget.server.network import StunServer, TurnServer, turn_server
from tests.limits import HANGS, eventually

M, C = stun.Method, stun.Class


class Client(asyncio.DatagramProtocol):
    """A client that sends what no real one would."""

    def __init__(self, server: StunServer | TurnServer) -> None:
        self._server = server
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    async def __aenter__(self) -> Client:
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=self._server.address)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.transport.close()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.received.put_nowait(data)

    async def ask(self, method: M, attributes: dict[str, Any] | None = None, key: bytes | None = None) -> stun.Message:
        request = stun.Message(method, C.REQUEST, None, dict(attributes or {}))
        if key is not None:
            request.add_message_integrity(key)
        self.transport.sendto(bytes(request))
        async with asyncio.timeout(HANGS):
            return stun.parse_message(await self.received.get())

    async def ask_signed(self, method: M, attributes: dict[str, Any] | None = None) -> stun.Message:
        server = self._server
        assert isinstance(server, TurnServer)
        challenge = (await self.ask(M.ALLOCATE)).attributes
        key = turn.make_integrity_key(server.username, challenge["REALM"], server.password)
        credential = {"USERNAME": server.username, "REALM": challenge["REALM"], "NONCE": challenge["NONCE"]}
        response = await self.ask(method, {**(attributes or {}), **credential}, key)
        assert response.check_message_integrity(key)
        return response


UDP = {"REQUESTED-TRANSPORT": turn.UDP_TRANSPORT}


async def test_stun_tells_where_a_request_came_from():
    async with StunServer() as server, Client(server) as client:
        response = await client.ask(M.BINDING)

        assert response.message_class == C.RESPONSE
        assert response.attributes["XOR-MAPPED-ADDRESS"] == client.transport.get_extra_info("sockname")
        assert server.requests == 1
        assert server.ice_server() == {"urls": f"stun:127.0.0.1:{server.address[1]}"}


async def send_garbage(client: Client) -> None:
    chance = random.Random(1)
    binding = bytes(stun.Message(M.BINDING, C.REQUEST))
    for number in range(300):
        data = bytearray(binding if number % 2 else os.urandom(chance.randrange(60)))
        for _ in range(3):
            if data:
                data[chance.randrange(len(data))] = chance.randrange(256)
        client.transport.sendto(bytes(data))
        await asyncio.sleep(0)  # let the server read: its socket has room for some hundred packets only
    # A message of the right length, each of whose attributes has too few bytes.
    for kind in stun.ATTRIBUTES_BY_TYPE:
        body = struct.pack("!HH", kind, 1) + b"\xff\0\0\0"
        head = struct.pack("!HHI12s", M.ALLOCATE | C.REQUEST, len(body), stun.COOKIE, os.urandom(12))
        client.transport.sendto(head + body)
        await asyncio.sleep(0)
    client.transport.sendto(b"")


@pytest.mark.parametrize("kind", [StunServer, TurnServer])
async def test_garbage_hurts_no_server(kind):
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    async with kind() as server, Client(server) as client:
        await send_garbage(client)
        async with Client(server) as another:
            assert (await another.ask(M.BINDING)).message_class == C.RESPONSE
    assert complaints == []


async def relay_only(server: TurnServer, transport: str, **wrong: str) -> Connection:
    given = {**server.ice_server(transport), **wrong}  # type: ignore[arg-type]
    return Connection(
        RTCConfiguration(
            iceServers=[RTCIceServer(given["urls"], given["username"], given["credential"])],
            iceTransportPolicy=RTCIceTransportPolicy.RELAY,
            bundlePolicy=RTCBundlePolicy.MAX_BUNDLE,
        )
    )


@pytest.mark.parametrize(("caller_by", "callee_by"), [("udp", "udp"), ("tcp", "tcp"), ("udp", "tcp"), ("tcp", None)])
async def test_a_call_through_the_relay_alone(caller_by, callee_by):
    relayed: list[bytes] = []
    async with TurnServer(on_relayed=relayed.append) as server:
        caller = await relay_only(server, caller_by)
        callee = await relay_only(server, callee_by) if callee_by else Connection(RTCConfiguration(iceServers=[]))
        for end in (caller, callee):
            end.addTrack(AudioStreamTrack())
        channel, arrived = caller.createDataChannel("events"), []
        callee.on("datachannel", lambda opened: opened.on("message", arrived.append))
        channel.on("open", lambda: channel.send("relayed " + 1000 * "ö"))
        await caller.setLocalDescription(await caller.createOffer())
        assert "typ relay" in caller.localDescription.sdp
        assert "typ host" not in caller.localDescription.sdp
        await callee.setRemoteDescription(RTCSessionDescription(caller.localDescription.sdp, "offer"))
        await callee.setLocalDescription(await callee.createAnswer())
        await caller.setRemoteDescription(RTCSessionDescription(callee.localDescription.sdp, "answer"))
        await eventually(lambda: arrived)

        assert arrived == ["relayed " + 1000 * "ö"]
        before = server.relayed_packets
        await eventually(lambda: server.relayed_packets > before + 20)  # the audio goes on
        assert server.allocations == (2 if callee_by else 1)
        await caller.close()
        await callee.close()
        # Each client frees its address.
        await eventually(lambda: server.allocations == 0)
        assert (len(relayed), sum(map(len, relayed))) == (server.relayed_packets, server.relayed_bytes)
        # DTLS encrypts what the relay carries (RFC 8827, section 6.5).
        assert b"relayed" not in b"".join(relayed)


@pytest.mark.parametrize("wrong", [{"credential": "guess"}, {"username": "somebody"}])
async def test_a_wrong_credential_gets_no_address(wrong):
    async with TurnServer() as server:
        caller = await relay_only(server, "udp", **wrong)
        caller.createDataChannel("events")
        await caller.setLocalDescription(await caller.createOffer())

        assert "typ relay" not in caller.localDescription.sdp
        assert server.allocations == 0
        await caller.close()


async def test_every_request_must_be_signed_and_fresh():
    async with TurnServer() as server, Client(server) as client:
        unsigned = await client.ask(M.ALLOCATE, UDP)
        assert unsigned.attributes["ERROR-CODE"] == (401, "Unauthorized")
        key = turn.make_integrity_key(server.username, unsigned.attributes["REALM"], server.password)
        stale = await client.ask(M.ALLOCATE, {**UDP, "USERNAME": server.username, "NONCE": b"old"}, key)
        assert stale.attributes["ERROR-CODE"] == (438, "Stale Nonce")
        assert server.allocations == 0


@pytest.mark.parametrize(
    ("method", "attributes", "code"),
    [
        (M.ALLOCATE, {"REQUESTED-TRANSPORT": turn.TCP_TRANSPORT}, 442),
        (M.ALLOCATE, {}, 442),
        (M.REFRESH, {"LIFETIME": 600}, 437),
        (M.CREATE_PERMISSION, {"XOR-PEER-ADDRESS": ("127.0.0.1", 9)}, 437),
    ],
)
async def test_requests_that_cannot_be_met(method, attributes, code):
    async with TurnServer() as server, Client(server) as client:
        assert (await client.ask_signed(method, attributes)).error_code == code


@pytest.mark.parametrize(
    ("method", "attributes", "code"),
    [
        (M.ALLOCATE, UDP, 437),
        (M.CREATE_PERMISSION, {}, 400),
        (M.CREATE_PERMISSION, {"XOR-PEER-ADDRESS": ("::1", 9)}, 443),
        (M.CHANNEL_BIND, {"CHANNEL-NUMBER": 1, "XOR-PEER-ADDRESS": ("127.0.0.1", 9)}, 400),
        (M.CHANNEL_BIND, {"XOR-PEER-ADDRESS": ("127.0.0.1", 9)}, 400),
        (M.CHANNEL_BIND, {"CHANNEL-NUMBER": 0x4001, "XOR-PEER-ADDRESS": ("127.0.0.1", 9)}, 400),
        (M.CHANNEL_BIND, {"CHANNEL-NUMBER": 0x4000, "XOR-PEER-ADDRESS": ("127.0.0.1", 10)}, 400),
        (M.CHANNEL_BIND, {"CHANNEL-NUMBER": 0x4000, "XOR-PEER-ADDRESS": ("127.0.0.1", 9)}, None),
        (M.SHARED_SECRET, {}, 400),
    ],
)
async def test_requests_about_an_allocation(method, attributes, code):
    async with TurnServer() as server, Client(server) as client:
        assert (await client.ask_signed(M.ALLOCATE, UDP)).message_class == C.RESPONSE
        bound = {"CHANNEL-NUMBER": 0x4000, "XOR-PEER-ADDRESS": ("127.0.0.1", 9)}
        assert (await client.ask_signed(M.CHANNEL_BIND, bound)).message_class == C.RESPONSE

        assert (await client.ask_signed(method, attributes)).error_code == code
        assert server.allocations == 1


async def test_nobody_reaches_a_client_without_a_permission():
    async with TurnServer() as server, Client(server) as client, StunServer() as peer:
        response = await client.ask_signed(M.ALLOCATE, UDP)
        relayed = response.attributes["XOR-RELAYED-ADDRESS"]
        request = bytes(stun.Message(M.BINDING, C.REQUEST))
        indication = {"XOR-PEER-ADDRESS": peer.address, "DATA": request}
        client.transport.sendto(bytes(stun.Message(M.SEND, C.INDICATION, None, dict(indication))))
        await client.ask_signed(M.REFRESH, {"LIFETIME": 600})  # it has been read by then
        assert (peer.requests, server.relayed_packets) == (0, 0)

        assert (await client.ask_signed(M.CREATE_PERMISSION, {"XOR-PEER-ADDRESS": peer.address})).error_code is None
        client.transport.sendto(bytes(stun.Message(M.SEND, C.INDICATION, None, dict(indication))))
        async with asyncio.timeout(HANGS):
            data = stun.parse_message(await client.received.get())
        assert (data.message_method, data.message_class) == (M.DATA, C.INDICATION)
        assert data.attributes["XOR-PEER-ADDRESS"] == peer.address
        # The peer sees the relayed address, not the client's.
        assert stun.parse_message(data.attributes["DATA"]).attributes["XOR-MAPPED-ADDRESS"] == relayed


async def test_an_allocation_expires_unless_it_is_refreshed(monkeypatch):
    monkeypatch.setattr(turn_server, "MAX_LIFETIME", 1)
    async with TurnServer() as server, Client(server) as client:
        response = await client.ask_signed(M.ALLOCATE, {**UDP, "LIFETIME": 600})
        assert response.attributes["LIFETIME"] == 1
        assert server.allocations == 1
        await eventually(lambda: server.allocations == 0)


async def test_a_client_over_tcp_that_leaves_frees_its_address():
    async with TurnServer() as server:
        host, port = server.address
        _, protocol = await turn.create_turn_endpoint(
            lambda: ice.StunProtocol(ice.Connection(ice_controlling=True)),
            (host, port),
            server.username,
            server.password,
            transport="tcp",
        )
        assert server.allocations == 1
        inner = protocol.transport._TurnTransport__inner_protocol
        inner.refresh_task.cancel()
        inner.transport.abort()
        await eventually(lambda: server.allocations == 0)


async def test_the_server_ends_with_clients_and_leaves_no_task():
    before = asyncio.all_tasks()
    async with TurnServer() as server:
        _, writer = await asyncio.open_connection(*server.address)
        writer.write(b"\0")
        async with Client(server) as client:
            await client.ask_signed(M.ALLOCATE, UDP)
        assert repr(server) == f"<TurnServer: 127.0.0.1:{server.address[1]}, 1 allocations>"
        assert server.password not in repr(server)
    writer.close()
    await eventually(lambda: asyncio.all_tasks() == before)
    assert server.allocations == 0
