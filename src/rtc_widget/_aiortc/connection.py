"""aiortc's connection, which may be closed at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aioice import ice
from aiortc import RTCConfiguration, RTCPeerConnection


class Connection(RTCPeerConnection):
    """An ``RTCPeerConnection`` that takes its own connecting with it when it is closed.

    aiortc connects in a task that nobody awaits and to which no public name leads. Closed meanwhile, that task stumbles
    over the closed transports (asyncio prints "Task exception was never retrieved"), or starts senders that never end.

    Parameters
    ----------
    configuration : RTCConfiguration
        As aiortc takes it.
    """

    def __init__(self, configuration: RTCConfiguration) -> None:
        super().__init__(configuration)
        self._connecting: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Close it; when this returns nothing of it runs any more."""
        # Before the transports: what it would start on them afterwards, nobody would stop.
        connecting = tuple(self._connecting)
        for task in connecting:
            task.cancel()
        await asyncio.gather(*connecting, return_exceptions=True)
        await super().close()

    # The name that aiortc's own `__connect` has from outside of its class.
    async def _RTCPeerConnection__connect(self) -> None:
        connecting = asyncio.ensure_future(super()._RTCPeerConnection__connect())  # type: ignore[misc]
        self._connecting.add(connecting)
        connecting.add_done_callback(self._connecting.discard)
        await connecting


LOOPBACK = "127.0.0.1"


def offer_loopback_when_alone() -> None:
    """Make aioice offer 127.0.0.1 when the machine has no other address.

    aioice leaves the loopback address out, as RFC 8445 section 5.1.1.1 asks. On a machine without a network nothing
    is left then, though the browser runs on the same machine and Chromium itself offers 127.0.0.1 in that case.
    aioice (0.13) has no setting for this; the function through which it looks for addresses is the one place where
    it can be said. Where there is another address nothing changes.
    """
    find = ice.get_host_addresses
    if not isinstance(find, _WithLoopback):
        ice.get_host_addresses = _WithLoopback(find)


class _WithLoopback:
    """`aioice.ice.get_host_addresses` with a last resort."""

    def __init__(self, find: Callable[..., list[str]]) -> None:
        self._find = find

    def __call__(self, use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return self._find(use_ipv4, use_ipv6) or [LOOPBACK]
