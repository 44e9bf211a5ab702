"""Addresses of a server behind a firewall or a one-to-one NAT: which UDP ports it uses, and which address it offers.

aioice (0.13) has no settings for either. It binds port 0 of each host address, and offers what it has bound.
"""

from __future__ import annotations

import asyncio
import errno
import random
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

from aioice import Candidate, ice
from aioice.candidate import candidate_foundation


def use_udp_ports(loop: asyncio.AbstractEventLoop, ports: Sequence[int]) -> None:
    """Make a loop bind these ports where a UDP socket asks for any port; `OSError` if none of them is free."""
    create = loop.create_datagram_endpoint

    async def endpoint(factory: Callable[[], Any], local_addr: Any = None, **options: Any) -> Any:
        if local_addr is None or local_addr[1] != 0:
            return await create(factory, local_addr=local_addr, **options)
        # In random order, so that a port that was just freed is not used at once by another call.
        for port in random.sample(ports, len(ports)):
            try:
                return await create(factory, local_addr=(local_addr[0], port), **options)
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
        raise OSError(errno.EADDRINUSE, f"no UDP port is free on {local_addr[0]}")

    loop.create_datagram_endpoint = endpoint  # type: ignore[method-assign,assignment]


def offer_address(address: str) -> Callable[[], None]:
    """Make all aioice connections offer `address` as well, with the ports of their host candidates.

    Packets to that address must reach the same ports of this machine, as with the one-to-one NAT of a cloud. Returns a
    function that undoes it.
    """
    gather = ice.Connection.get_component_candidates

    async def gather_both(self: ice.Connection, *arguments: Any, **options: Any) -> list[Candidate]:
        found = await gather(self, *arguments, **options)
        hosts = [candidate for candidate in found if candidate.type == "host" and _is_same_family(candidate, address)]
        # First, so that it is checked first: the private address leads nowhere from outside.
        return [*{host.port: _moved(host, address) for host in hosts}.values(), *found]

    ice.Connection.get_component_candidates = gather_both  # type: ignore[method-assign]

    def undo() -> None:
        ice.Connection.get_component_candidates = gather  # type: ignore[method-assign]

    return undo


def _is_same_family(candidate: Candidate, address: str) -> bool:
    return (":" in candidate.host) == (":" in address)


def _moved(candidate: Candidate, address: str) -> Candidate:
    moved = copy(candidate)
    moved.host, moved.foundation = address, candidate_foundation("host", "udp", address)
    return moved
