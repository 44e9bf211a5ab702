"""A TURN server: it relays the packets of clients that no direct path connects (RFC 8656)."""

from __future__ import annotations

import asyncio
import secrets
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, Self, cast

from aioice import stun
from aioice.turn import UDP_TRANSPORT, is_channel_data, make_integrity_key

from rtc_widget.server.network.stun_server import TransportAddress, binding_response, is_binding_request, parsed

Transport = Literal["udp", "tcp"]
Reply = Callable[[bytes], object]

MAX_ALLOCATIONS = 256
MAX_LIFETIME = 3600
DEFAULT_LIFETIME = 600
"""Seconds (RFC 8656, section 3.2)."""

PERMISSION_SECONDS = 300.0
CHANNEL_SECONDS = 600.0
"""RFC 8656, sections 9 and 12."""

CHANNEL_NUMBERS = range(0x4000, 0x5000)
MAX_BUFFERED_BYTES = 1_000_000
"""Packets are dropped, as on UDP, while a client over TCP has so many bytes to read."""

PORT_ATTEMPTS = 20


class TurnServer:
    """A TURN and STUN server over UDP and TCP on the running event loop; use it with ``async with``.

    It relays IPv4 over UDP and authenticates with one long-term credential (RFC 8489, section 9.2). It has no TLS.

    Parameters
    ----------
    host : str
        The IPv4 address on which it listens and relays. Other machines reach it only on an address of the network.
    port : int
        0 selects a port that is free for UDP and TCP.
    username : str
        The name that clients must give.
    password : str, optional
        The password that clients must give; by default a random one.
    on_relayed : callable, optional
        Called with each packet that it relays, as it is: what a relay sees of a call.

    Attributes
    ----------
    password : str
        The password.
    relayed_packets, relayed_bytes : int
        What it has relayed, in both directions.

    Raises
    ------
    OSError
        If the port is in use or not allowed.

    Examples
    --------
    >>> async def ice_server() -> dict:
    ...     async with TurnServer(password="secret") as server:
    ...         return server.ice_server("tcp")
    >>> server = asyncio.run(ice_server())
    >>> server["username"], server["credential"]
    ('student', 'secret')
    """

    realm = "rtc-widget"

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        username: str = "student",
        password: str | None = None,
        on_relayed: Callable[[bytes], object] | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self.username = username
        self.password = secrets.token_urlsafe(12) if password is None else password
        self.relayed_packets = 0
        self.relayed_bytes = 0
        self._on_relayed = on_relayed
        self._key = make_integrity_key(username, self.realm, self.password)
        self._nonce = secrets.token_hex(8).encode()
        self._allocations: dict[_Client, _Allocation] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._streams: set[asyncio.StreamWriter] = set()

    @property
    def address(self) -> TransportAddress:
        """Where it listens: host and port."""
        return (self._host, self._port)

    @property
    def allocations(self) -> int:
        """How many relayed addresses exist now."""
        return len(self._allocations)

    def url(self, transport: Transport = "udp") -> str:
        """Return the URL of the server (RFC 7065)."""
        return f"turn:{self._host}:{self._port}?transport={transport}"

    def ice_server(self, transport: Transport = "udp") -> dict[str, Any]:
        """Return the W3C ``RTCIceServer``, with its credential."""
        return {"urls": self.url(transport), "username": self.username, "credential": self.password}

    def __repr__(self) -> str:
        return f"<TurnServer: {self._host}:{self._port}, {self.allocations} allocations>"

    async def __aenter__(self) -> Self:
        """Start the server."""
        for attempt in range(PORT_ATTEMPTS):
            try:
                await self._listen()
            except OSError:
                # A port that is free for UDP may be in use for TCP.
                if self._port or attempt == PORT_ATTEMPTS - 1:
                    raise
            else:
                break
        return self

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(
            lambda: _UdpClients(self._receive), local_addr=(self._host, self._port)
        )
        port = self._udp.get_extra_info("sockname")[1]
        try:
            self._tcp = await asyncio.start_server(self._serve_stream, self._host, port)
        except BaseException:
            self._udp.close()
            raise
        self._port = port

    async def __aexit__(self, *_: object) -> None:
        """Close all sockets and free all allocations."""
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        for writer in self._streams:
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in list(self._allocations):
            self._free(client)

    async def _serve_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _Client("tcp", writer.get_extra_info("peername")[:2])
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._tasks.add(task)
        self._streams.add(writer)

        def reply(data: bytes) -> None:
            if writer.transport.get_write_buffer_size() < MAX_BUFFERED_BYTES:
                # Over a stream, all messages are padded (RFC 8656, section 12.5).
                writer.write(data + bytes(-len(data) % 4))

        try:
            # The client has gone, or the server is being closed.
            with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                while True:
                    self._receive(await _read_message(reader), client, reply)
        finally:
            self._free(client)
            self._tasks.discard(task)
            self._streams.discard(writer)
            writer.close()

    def _receive(self, data: bytes, client: _Client, reply: Reply) -> None:
        allocation = self._allocations.get(client)
        if len(data) >= 4 and is_channel_data(data):
            if allocation is not None:
                allocation.send_channel_data(data)
            return
        message = parsed(data)
        if message is None:
            return
        if is_binding_request(message):
            reply(binding_response(message, client.address))
        elif message.message_class == stun.Class.REQUEST:
            self._authenticate(message, client, reply)
        elif message.message_method == stun.Method.SEND and allocation is not None:
            allocation.send_indication(message)

    def _authenticate(self, request: stun.Message, client: _Client, reply: Reply) -> None:
        given = request.attributes
        challenge = {"REALM": self.realm, "NONCE": self._nonce}
        if "MESSAGE-INTEGRITY" not in given:
            reply(_error(request, 401, "Unauthorized", challenge))
        elif given.get("NONCE") != self._nonce:
            reply(_error(request, 438, "Stale Nonce", challenge))
        elif given.get("USERNAME") != self.username or not request.check_message_integrity(self._key):
            reply(_error(request, 401, "Unauthorized", challenge))
        else:
            self._start(self._respond(request, client, reply))

    def _start(self, work: Any) -> None:
        # Until its socket is open, an allocation does not exist; the other requests end at once.
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _respond(self, request: stun.Message, client: _Client, reply: Reply) -> None:
        try:
            attributes = await self._perform(request, client, reply)
        except _Refused as refused:
            response = _message(request, stun.Class.ERROR, {"ERROR-CODE": (refused.code, refused.reason)})
        else:
            response = _message(request, stun.Class.RESPONSE, attributes)
        response.add_message_integrity(self._key)
        reply(bytes(response))

    async def _perform(self, request: stun.Message, client: _Client, reply: Reply) -> dict[str, Any]:
        """Do what an authenticated request asks, and return the attributes of the response."""
        if request.message_method == stun.Method.ALLOCATE:
            return await self._allocate(request, client, reply)
        allocation = self._allocations.get(client)
        if allocation is None:
            raise _Refused(437, "Allocation Mismatch")
        match request.message_method:
            case stun.Method.REFRESH:
                lifetime = _lifetime(request)
                if lifetime:
                    self._expire_after(lifetime, client)
                else:
                    self._free(client)
                return {"LIFETIME": lifetime}
            case stun.Method.CREATE_PERMISSION:
                allocation.permit(_peer(request)[0], PERMISSION_SECONDS)
                return {}
            case stun.Method.CHANNEL_BIND:
                allocation.bind(request.attributes.get("CHANNEL-NUMBER", 0), _peer(request))
                return {}
        raise _Refused(400, "Bad Request")

    async def _allocate(self, request: stun.Message, client: _Client, reply: Reply) -> dict[str, Any]:
        existing = self._allocations.get(client)
        if existing is not None and existing.made_by != request.transaction_id:
            raise _Refused(437, "Allocation Mismatch")
        lifetime = _lifetime(request) or DEFAULT_LIFETIME
        if existing is None:
            if request.attributes.get("REQUESTED-TRANSPORT") != UDP_TRANSPORT:
                raise _Refused(442, "Unsupported Transport Protocol")
            if self.allocations >= MAX_ALLOCATIONS:
                raise _Refused(486, "Allocation Quota Reached")
            # Before the socket is open, so that the same request, sent again, does not open another one.
            self._allocations[client] = existing = _Allocation(self, request.transaction_id, reply)
            try:
                await existing.open(self._host)
            except OSError:
                self._free(client)
                raise _Refused(508, "Insufficient Capacity") from None
            if client not in self._allocations:
                existing.close()  # the client has gone meanwhile
                raise _Refused(437, "Allocation Mismatch")
            self._expire_after(lifetime, client)
        await existing.is_open.wait()
        if self._allocations.get(client) is not existing:
            raise _Refused(508, "Insufficient Capacity")
        return {
            "XOR-RELAYED-ADDRESS": existing.address,
            "XOR-MAPPED-ADDRESS": client.address,
            "LIFETIME": lifetime,
        }

    def count(self, data: bytes) -> None:
        """Count a relayed packet, and show it to the observer."""
        self.relayed_packets += 1
        self.relayed_bytes += len(data)
        if self._on_relayed is not None:
            self._on_relayed(data)

    def _expire_after(self, seconds: float, client: _Client) -> None:
        allocation = self._allocations[client]
        if allocation.expiry is not None:
            allocation.expiry.cancel()
        allocation.expiry = asyncio.get_running_loop().call_later(seconds, self._free, client)

    def _free(self, client: _Client) -> None:
        allocation = self._allocations.pop(client, None)
        if allocation is not None:
            allocation.close()


@dataclass(frozen=True, slots=True)
class _Client:
    transport: Transport
    address: TransportAddress


class _Refused(Exception):
    """The error response to a request (RFC 8656, section 19)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _UdpClients(asyncio.DatagramProtocol):
    """The clients over UDP."""

    def __init__(self, receive: Callable[[bytes, _Client, Reply], None]) -> None:
        self._receive = receive
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: TransportAddress) -> None:
        def reply(response: bytes) -> None:
            if self._transport is not None and not self._transport.is_closing():
                self._transport.sendto(response, addr)

        self._receive(data, _Client("udp", addr[:2]), reply)


@dataclass(slots=True, eq=False)
class _Allocation(asyncio.DatagramProtocol):
    """A relayed address, and who may use it."""

    server: TurnServer
    made_by: bytes
    reply: Reply
    address: TransportAddress = ("", 0)
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    expiry: asyncio.TimerHandle | None = None
    _transport: asyncio.DatagramTransport | None = None
    _permitted: dict[str, float] = field(default_factory=dict)
    _channels: dict[int, TransportAddress] = field(default_factory=dict)
    _numbers: dict[TransportAddress, int] = field(default_factory=dict)
    _bound: dict[int, float] = field(default_factory=dict)

    async def open(self, host: str) -> None:
        """Open the socket that faces the peers."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))
        self.address = self._transport.get_extra_info("sockname")
        self.is_open.set()

    def close(self) -> None:
        """Close the socket."""
        self.is_open.set()
        if self.expiry is not None:
            self.expiry.cancel()
        if self._transport is not None:
            self._transport.close()

    def permit(self, host: str, seconds: float) -> None:
        """Accept packets from and to the address `host`."""
        self._permitted[host] = max(self._permitted.get(host, 0.0), _now() + seconds)

    def bind(self, number: int, peer: TransportAddress) -> None:
        """Bind a channel number to a peer; both may be bound again only to each other (RFC 8656, section 12.1)."""
        if number not in CHANNEL_NUMBERS:
            raise _Refused(400, "Bad Request")
        for bound, expires_at in list(self._bound.items()):
            if expires_at < _now():
                self._numbers.pop(self._channels.pop(bound), None)
                del self._bound[bound]
        if self._channels.get(number, peer) != peer or self._numbers.get(peer, number) != number:
            raise _Refused(400, "Bad Request")
        self._channels[number], self._numbers[peer] = peer, number
        self._bound[number] = _now() + CHANNEL_SECONDS
        self.permit(peer[0], PERMISSION_SECONDS)

    def send_channel_data(self, data: bytes) -> None:
        """Send the data of a ChannelData message (RFC 8656, section 12.4) to the peer of its channel."""
        number, length = struct.unpack("!HH", data[:4])
        peer = self._channels.get(number)
        if peer is not None and self._bound[number] >= _now() and len(data) >= 4 + length:
            self._send(data[4 : 4 + length], peer)

    def send_indication(self, message: stun.Message) -> None:
        """Send the data of a Send indication to its peer."""
        peer, data = message.attributes.get("XOR-PEER-ADDRESS"), message.attributes.get("DATA")
        if peer is not None and data is not None and self._permits(peer[0]):
            self._send(data, peer)

    def _send(self, data: bytes, peer: TransportAddress) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self.server.count(data)
            self._transport.sendto(data, peer)

    def _permits(self, host: str) -> bool:
        return self._permitted.get(host, 0.0) >= _now()

    def datagram_received(self, data: bytes, addr: TransportAddress) -> None:
        """Relay a packet from a peer to the client, as ChannelData if the peer has a channel."""
        if not self._permits(addr[0]):
            return
        self.server.count(data)
        number = self._numbers.get(addr)
        if number is not None and self._bound[number] >= _now():
            self.reply(struct.pack("!HH", number, len(data)) + data)
        else:
            attributes = {"XOR-PEER-ADDRESS": addr, "DATA": data}
            self.reply(bytes(stun.Message(stun.Method.DATA, stun.Class.INDICATION, None, attributes)))


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _read_message(reader: asyncio.StreamReader) -> bytes:
    """Return the next STUN or ChannelData message of a stream."""
    head = await reader.readexactly(4)
    (length,) = struct.unpack("!H", head[2:])
    return head + await reader.readexactly(length + -length % 4 if is_channel_data(head) else 16 + length)


def _message(request: stun.Message, message_class: stun.Class, attributes: dict[str, Any]) -> stun.Message:
    return stun.Message(request.message_method, message_class, request.transaction_id, attributes)


def _error(request: stun.Message, code: int, reason: str, attributes: dict[str, Any]) -> bytes:
    return bytes(_message(request, stun.Class.ERROR, {"ERROR-CODE": (code, reason), **attributes}))


def _lifetime(request: stun.Message) -> int:
    return min(int(request.attributes.get("LIFETIME", DEFAULT_LIFETIME)), MAX_LIFETIME)


def _peer(request: stun.Message) -> TransportAddress:
    peer: TransportAddress | None = request.attributes.get("XOR-PEER-ADDRESS")
    if peer is None:
        raise _Refused(400, "Bad Request")
    if ":" in peer[0]:
        raise _Refused(443, "Peer Address Family Mismatch")
    return peer
