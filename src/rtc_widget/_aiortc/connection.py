"""An aiortc connection that may be closed at any moment, and the loopback address as a last resort."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aioice import ice
from aiortc import RTCConfiguration, RTCPeerConnection


class Connection(RTCPeerConnection):
    """An ``RTCPeerConnection`` whose `close` also cancels a connection attempt in progress.

    aiortc connects in a private task that it never awaits. If the connection is closed meanwhile, that task fails on
    the closed transports (asyncio prints "Task exception was never retrieved") or starts senders that never end.

    Parameters
    ----------
    configuration : RTCConfiguration
        As aiortc takes it.
    """

    def __init__(self, configuration: RTCConfiguration) -> None:
        super().__init__(configuration)
        self._connecting: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Close the connection and wait until all of its tasks have ended."""
        # Before the transports close: the task could start senders on them that nothing stops.
        connecting = tuple(self._connecting)
        for task in connecting:
            task.cancel()
        await asyncio.gather(*connecting, return_exceptions=True)
        await super().close()

    # The mangled name of aiortc's private method `__connect`.
    async def _RTCPeerConnection__connect(self) -> None:
        connecting = asyncio.ensure_future(super()._RTCPeerConnection__connect())  # type: ignore[misc]
        self._connecting.add(connecting)
        connecting.add_done_callback(self._connecting.discard)
        await connecting


LOOPBACK = "127.0.0.1"


def offer_loopback_when_alone() -> None:
    """Make aioice offer 127.0.0.1 when the machine has no other address.

    aioice excludes the loopback address, as RFC 8445 section 5.1.1.1 requires. A machine without a network then has no
    address at all, although the browser runs on the same machine. Chromium offers 127.0.0.1 in that case.
    aioice (0.13) has no setting for this, so its function that lists the addresses is replaced. A machine with another
    address is not affected.
    """
    find = ice.get_host_addresses
    if not isinstance(find, _WithLoopback):
        ice.get_host_addresses = _WithLoopback(find)


class _WithLoopback:
    """`aioice.ice.get_host_addresses`, with 127.0.0.1 if it finds no address."""

    def __init__(self, find: Callable[..., list[str]]) -> None:
        self._find = find

    def __call__(self, use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return self._find(use_ipv4, use_ipv6) or [LOOPBACK]
