"""A STUN server: it tells a client from which address its request came (RFC 8489)."""

from __future__ import annotations

import asyncio
import struct
from typing import Any, Self, cast

from aioice import stun

TransportAddress = tuple[str, int]


class StunServer(asyncio.DatagramProtocol):
    """A STUN server over UDP on the running event loop; use it with ``async with``.

    Parameters
    ----------
    host : str
        The IPv4 address on which it listens.
    port : int
        0 selects a free port.

    Attributes
    ----------
    requests : int
        How many requests it has answered.

    Raises
    ------
    OSError
        If the port is in use or not allowed.

    Examples
    --------
    >>> async def address_of_a_stun_server() -> str:
    ...     async with StunServer() as server:
    ...         return server.url()
    >>> asyncio.run(address_of_a_stun_server())  # doctest: +ELLIPSIS
    'stun:127.0.0.1:...'
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._host = host
        self._port = port
        self._transport: asyncio.DatagramTransport | None = None
        self.requests = 0

    @property
    def address(self) -> TransportAddress:
        """Where it listens: host and port."""
        return (self._host, self._port)

    def url(self) -> str:
        """Return the URL of the server (RFC 7064)."""
        return f"stun:{self._host}:{self._port}"

    def ice_server(self) -> dict[str, Any]:
        """Return the W3C ``RTCIceServer``."""
        return {"urls": self.url()}

    async def __aenter__(self) -> Self:
        """Start the server."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(self._host, self._port))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()

    def __repr__(self) -> str:
        return f"<StunServer: {self.url()}, {self.requests} requests>"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Learn the port."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        self._port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: TransportAddress) -> None:
        """Answer a Binding request; ignore everything else."""
        request = parsed(data)
        if request is None or self._transport is None or not is_binding_request(request):
            return
        self.requests += 1
        self._transport.sendto(binding_response(request, addr), addr)


def parsed(data: bytes) -> stun.Message | None:
    """Return the STUN message, or None if it is malformed."""
    try:
        return stun.parse_message(data)
    except (ValueError, struct.error):
        # aioice (0.13) raises `struct.error` for a number that is too short.
        return None


def is_binding_request(message: stun.Message) -> bool:
    """Whether the message asks for an address."""
    return (message.message_method, message.message_class) == (stun.Method.BINDING, stun.Class.REQUEST)


def binding_response(request: stun.Message, source: TransportAddress) -> bytes:
    """Return the response that tells the client the `source` of its request."""
    response = stun.Message(
        stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id, {"XOR-MAPPED-ADDRESS": source[:2]}
    )
    response.add_fingerprint()
    return bytes(response)
