"""The networks of a page's peers on aiortc, which can be broken on purpose."""

from __future__ import annotations

from typing import Any

from rtc_widget._aiortc.connection import Connection
from rtc_widget._aiortc.nat import Nat, NatKind
from rtc_widget._aiortc.network import Direction, Network, NetworkConditions, NetworkReport, require_direction
from rtc_widget.errors import NetworkUnsupported


class PeerNetworks:
    """Gives all peers of a page the same conditions."""

    def __init__(self) -> None:
        self._network = Network()
        self._nat: NatKind | None = None
        self._connections: list[Connection] = []

    def add(self, connection: Connection) -> None:
        """Give a new connection the conditions and the NAT."""
        self._connections.append(connection)
        connection.network.change(self._network.sent.conditions, "sent")
        connection.network.change(self._network.received.conditions, "received")
        if self._nat is not None:
            connection.use_nat(Nat(self._nat))

    def remove(self, connection: Connection) -> None:
        """Forget a connection that is closed, unless it is the last one, which is still reported."""
        if connection in self._connections[:-1]:
            self._connections.remove(connection)

    def change(self, *, nat: NatKind | None = None, direction: Direction = "both", **conditions: Any) -> NetworkReport:
        """Change what is given, and return the report of the connection that was made last.

        Raises
        ------
        NetworkUnsupported
            If a connection has gathered its candidates without this NAT.
        TypeError, ValueError
            If a condition has a wrong type or is out of range.
        """
        require_direction(direction)
        given = {name: value for name, value in conditions.items() if value is not None}
        if nat is not None:
            self._use_nat(nat)
        if given:
            changed = NetworkConditions(**given)
            for network in (self._network, *(each.network for each in self._connections)):
                network.change(changed, direction)
        latest = self._connections[-1].network if self._connections else self._network
        return latest.report()

    def _use_nat(self, kind: NatKind) -> None:
        made = [(connection, Nat(kind)) for connection in self._connections if connection.signalingState != "closed"]
        if any(connection.iceGatheringState != "new" for connection, _ in made):
            raise NetworkUnsupported(
                "A NAT must be set before set_local_description, which makes the sockets.",
                hint="Make a new peer connection.",
            )
        for connection, nat in made:
            connection.use_nat(nat)
        self._nat = Nat(kind).kind
