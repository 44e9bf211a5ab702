"""Network address translation in a peer's own process, to learn what ICE does about it (RFC 4787, RFC 8445)."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Literal, get_args

log = logging.getLogger(__name__)

MAX_WAITING = 100
"""Packets that wait for a new mapping."""

NatKind = Literal["open", "full cone", "restricted", "port-restricted", "symmetric"]
"""The kinds of RFC 3489, section 5, whose names are still in use; RFC 4787 has the exact terms."""

NAT_KINDS: tuple[NatKind, ...] = get_args(NatKind)

PRIVATE_HOST = "10.0.0.2"
"""The address of a peer behind a NAT, in its own private network (RFC 1918)."""

TransportAddress = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Behavior:
    mapping: Literal["endpoint-independent", "address-and-port-dependent"]
    filtering: Literal["endpoint-independent", "address-dependent", "address-and-port-dependent"]


_BEHAVIORS: dict[NatKind, _Behavior] = {
    "full cone": _Behavior("endpoint-independent", "endpoint-independent"),
    "restricted": _Behavior("endpoint-independent", "address-dependent"),
    "port-restricted": _Behavior("endpoint-independent", "address-and-port-dependent"),
    "symmetric": _Behavior("address-and-port-dependent", "address-and-port-dependent"),
}
"""Mapping (RFC 4787, section 4.1) and filtering (section 5) of each kind."""


@dataclass(slots=True)
class NatCounts:
    """How many packets a NAT has translated and dropped.

    Attributes
    ----------
    sent, received : int
        Packets that were translated.
    filtered : int
        Packets from an address that the peer has not contacted.
    unreachable : int
        Packets from or to an address of a private network, which nobody outside reaches.
    """

    sent: int = 0
    received: int = 0
    filtered: int = 0
    unreachable: int = 0


class Nat:
    """The NAT in front of one peer, for IPv4.

    The peer has the address 10.0.0.2. Each of its mappings is a socket on `host`. Where all peers and servers have the
    same address, ``"restricted"`` filters nothing, since it looks at addresses only.

    Parameters
    ----------
    kind : {"open", "full cone", "restricted", "port-restricted", "symmetric"}
        ``"open"`` translates nothing.
    host : str
        The address outside.

    Raises
    ------
    ValueError
        If the kind is unknown.
    """

    def __init__(self, kind: NatKind, host: str = "127.0.0.1") -> None:
        if kind not in NAT_KINDS:
            raise ValueError(f"nat must be one of {', '.join(map(repr, NAT_KINDS))}, got {kind!r}")
        self.kind = kind
        self.host = host
        self.counts = NatCounts()

    @property
    def translates(self) -> bool:
        """Whether the peer has a private address."""
        return self.kind != "open"

    def behavior(self) -> _Behavior:
        """Return how a NAT of this kind maps and filters."""
        return _BEHAVIORS[self.kind]


class NatSocket:
    """The mappings of one socket of the peer.

    Parameters
    ----------
    nat : Nat
        A NAT that translates.
    receive : callable
        Called with each packet that passes the filter, and its source.
    """

    def __init__(self, nat: Nat, receive: Callable[[bytes, TransportAddress], object]) -> None:
        self._nat = nat
        self._receive = receive
        self._mappings: dict[Hashable, _Mapping] = {}

    def sendto(self, data: bytes, address: TransportAddress) -> None:
        """Send a packet from the mapping that belongs to its destination."""
        is_dependent = self._nat.behavior().mapping == "address-and-port-dependent"
        key = address if is_dependent else "all"
        if key not in self._mappings:
            self._mappings[key] = _Mapping(self._nat, self._receive)
        self._mappings[key].sendto(data, address)

    def close(self) -> None:
        """Close all mappings."""
        for mapping in self._mappings.values():
            mapping.close()
        self._mappings.clear()


class _Mapping(asyncio.DatagramProtocol):
    """An address outside that stands for an address of the peer."""

    def __init__(self, nat: Nat, receive: Callable[[bytes, TransportAddress], object]) -> None:
        self._nat = nat
        self._receive = receive
        self._contacted: set[TransportAddress] = set()
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: deque[tuple[bytes, TransportAddress]] = deque(maxlen=MAX_WAITING)
        self._opening = asyncio.create_task(self._open())

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self._nat.host, 0))
        except OSError as error:
            # As behind a NAT without a free port: ICE sees that no check is answered.
            log.warning("the NAT has no address outside: %s", error)
            return
        for data, address in self._waiting:
            self._transport.sendto(data, address)
        self._waiting.clear()

    def sendto(self, data: bytes, address: TransportAddress) -> None:
        self._contacted.add(address)
        self._nat.counts.sent += 1
        if self._transport is None:
            self._waiting.append((data, address))
        else:
            self._transport.sendto(data, address)

    def datagram_received(self, data: bytes, addr: TransportAddress) -> None:
        if self._passes(addr):
            self._nat.counts.received += 1
            self._receive(data, addr)
        else:
            self._nat.counts.filtered += 1

    def _passes(self, source: TransportAddress) -> bool:
        match self._nat.behavior().filtering:
            case "endpoint-independent":
                return True
            case "address-dependent":
                return source[0] in {host for host, _ in self._contacted}
            case "address-and-port-dependent":
                return source in self._contacted

    def close(self) -> None:
        self._opening.cancel()
        if self._transport is not None:
            self._transport.close()
