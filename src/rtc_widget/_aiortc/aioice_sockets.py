"""Passes every packet of an aioice connection through its `Network` and its `Nat`.

aioice (0.13) has no setting for this. It makes one `StunProtocol` for each host address and for each allocation on a
TURN server, and STUN, DTLS, SRTP and SCTP all pass through it. So this module replaces that class; no other module of
the network uses names of aioice that are not documented.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

from aioice import ice
from aioice.turn import TurnTransport

from rtc_widget._aiortc.nat import PRIVATE_HOST, Nat, NatSocket, TransportAddress
from rtc_widget._aiortc.network import Network


@dataclass(frozen=True, slots=True)
class _Path:
    network: Network
    nat: Nat | None


_paths: WeakKeyDictionary[ice.Connection, _Path] = WeakKeyDictionary()


def pass_through(connection: ice.Connection, network: Network, nat: Nat | None = None) -> None:
    """Pass the packets of `connection` through `network` and `nat`; call it before it gathers candidates.

    Examples
    --------
    >>> network = Network()
    >>> pass_through(ice.Connection(ice_controlling=True), network, Nat("symmetric"))
    """
    if not issubclass(ice.StunProtocol, PathProtocol):
        ice.StunProtocol = PathProtocol  # type: ignore[misc]
    _paths.setdefault(connection, _Path(network, nat))


class PathProtocol(ice.StunProtocol):
    """aioice's protocol of one socket, with the path of its connection between itself and the socket."""

    _path_transport: PathTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Put the path before the transport."""
        path = _paths.get(self.receiver)
        if path is not None:
            transport = self._path_transport = PathTransport(
                cast("asyncio.DatagramTransport", transport), path.network, path.nat, super().datagram_received
            )
        super().connection_made(transport)

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        """Receive a packet from the socket."""
        if self._path_transport is None:
            super().datagram_received(data, addr)
        else:
            self._path_transport.receive_directly(cast("bytes", data), (addr[0], addr[1]))

    def connection_lost(self, exc: Exception | None) -> None:
        """End the path with the socket."""
        if self._path_transport is not None:
            self._path_transport.end()
        super().connection_lost(exc)


class PathTransport(asyncio.DatagramTransport):
    """The transport that aioice gets in place of `transport`.

    Parameters
    ----------
    transport : asyncio.DatagramTransport
        The socket, or aioice's allocation on a TURN server, which is outside of the NAT.
    network : Network
        The path of the packets.
    nat : Nat or None
        The NAT in front of the socket.
    receive : callable
        Called with each packet that arrives, and its source.
    """

    def __init__(self, transport: asyncio.DatagramTransport, network: Network, nat: Nat | None, receive: Any) -> None:
        super().__init__()
        self._transport = transport
        self._network = network
        self._nat = nat
        self._receive = receive
        self._has_ended = False
        is_inside = nat is not None and nat.translates and not isinstance(transport, TurnTransport)
        self._translated = NatSocket(nat, self._arrive) if is_inside and nat is not None else None

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the information of the transport; the address behind a NAT is the private one."""
        info = self._transport.get_extra_info(name, default)
        if name == "sockname" and self._translated is not None and ":" not in info[0]:
            return (PRIVATE_HOST, info[1])
        return info

    def sendto(self, data: Any, addr: Any = None) -> None:
        """Send a packet along the path."""
        self._network.send(data, addr, self._transmit)

    def receive_directly(self, data: bytes, address: TransportAddress) -> None:
        """Receive a packet that was sent to the address of the socket itself."""
        if self._translated is None:
            self._arrive(data, address)
        elif self._nat is not None:
            self._nat.counts.unreachable += 1

    def is_closing(self) -> bool:
        """Whether the transport closes or is closed."""
        return self._has_ended

    def close(self) -> None:
        """Close the transport and the mappings of the NAT; delayed packets are dropped."""
        self.end()
        self._transport.close()

    def abort(self) -> None:
        """Close the transport at once."""
        self.end()
        self._transport.abort()

    def end(self) -> None:
        """Drop all packets from now on."""
        self._has_ended = True
        if self._translated is not None:
            self._translated.close()

    def _transmit(self, data: bytes, address: TransportAddress) -> None:
        if self._has_ended:
            return
        if self._nat is not None and (address[0] == PRIVATE_HOST or (self._translated and ":" in address[0])):
            # A private address has no route outside; the NAT translates IPv4 only.
            self._nat.counts.unreachable += 1
        elif self._translated is not None:
            self._translated.sendto(data, address)
        else:
            self._transport.sendto(data, address)

    def _arrive(self, data: bytes, address: TransportAddress) -> None:
        self._network.receive(data, address, self._deliver)

    def _deliver(self, data: bytes, address: TransportAddress) -> None:
        if not self._has_ended:
            self._receive(data, address)
