"""Impairs the network of a call, for lessons and tests."""

from __future__ import annotations

import asyncio
from typing import Any

from rtc_widget._aiortc.network import Direction, NetworkConditions, NetworkReport, require_direction
from rtc_widget.calls.record import CallRecord
from rtc_widget.errors import NetworkUnsupported, NotConnected
from rtc_widget.kernel.io_thread import io_thread
from rtc_widget.signaling.base import ControlsNetwork, Signaling


class NetworkControl:
    """Asks the server to impair the network of the call.

    Parameters
    ----------
    signaling : Signaling
        The server of the call.
    record : CallRecord
        Knows the call.
    """

    def __init__(self, signaling: Signaling, record: CallRecord) -> None:
        self._signaling = signaling
        self._record = record

    async def change(self, direction: Direction, **conditions: Any) -> NetworkReport:
        """Replace the conditions if one of them is given, and return the report; see `VoiceChat.network`."""
        require_direction(direction)
        given = {name: value for name, value in conditions.items() if value is not None}
        changed = NetworkConditions(**given) if given else None
        if not isinstance(self._signaling, ControlsNetwork):
            raise NetworkUnsupported(f"{self._signaling.name} does not impair the network of a call.")
        call_id = self._record.call_id
        if call_id is None:
            raise NotConnected("The network was not changed: the widget has no call.")
        # On the I/O thread, as all requests of a signaling.
        return await asyncio.wrap_future(io_thread().run(self._signaling.network(call_id, changed, direction)))
