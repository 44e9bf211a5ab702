"""aiortc's connection, which may be closed at any moment."""

from __future__ import annotations

import asyncio

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
