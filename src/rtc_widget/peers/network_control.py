"""Impairs the network of a peer connection, for lessons and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from rtc_widget.errors import NetworkUnsupported
from rtc_widget.kernel.operation import Operation

if TYPE_CHECKING:
    from rtc_widget._aiortc.network import NetworkReport


@runtime_checkable
class ImpairsNetwork(Protocol):
    """A page in this process that can impair the network of its connection."""

    async def network(self, **conditions: Any) -> NetworkReport:
        """Replace the conditions if one of them is given, and return the report."""
        ...


def impair(page: object, conditions: dict[str, Any]) -> Operation[NetworkReport]:
    """Return the operation of `PeerConnection.network`."""

    async def change() -> NetworkReport:
        if not isinstance(page, ImpairsNetwork):
            raise NetworkUnsupported(
                "The page of this peer connection does not impair its network.",
                hint='Use PeerConnection(page="aiortc") for one side of the connection.',
            )
        return await page.network(**{name: value for name, value in conditions.items() if value is not None})

    return Operation("pc.network(…)", change)
