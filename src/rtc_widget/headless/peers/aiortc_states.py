"""The states and descriptions of an aiortc connection in W3C words."""

from __future__ import annotations

import re
from typing import Any

from rtc_widget._aiortc.connection import Connection
from rtc_widget.headless.peers.record import Attributes

Description = dict[str, str]

STATE_EVENTS = {
    "signalingstatechange": "signaling_state",
    "iceconnectionstatechange": "ice_connection_state",
    "connectionstatechange": "connection_state",
    "icegatheringstatechange": "ice_gathering_state",
}
"""The events of a connection, each with the state that has changed."""


class AiortcStates:
    """Reads the states of a connection.

    Parameters
    ----------
    connection : Connection
        The connection.

    Attributes
    ----------
    is_closed : bool
        Whether this side has closed it. aiortc also closes itself, when the other side has left.
    applying : dict
        The description that is being applied, by its side: until it is, aiortc still has the one before, though its
        signaling state has changed.
    """

    def __init__(self, connection: Connection) -> None:
        self._pc = connection
        self.is_closed = False
        self.applying: dict[str, Description] = {}
        # The descriptions when the signaling state was stable last.
        self._agreed: dict[str, Description | None] = {"local": None, "remote": None}

    @property
    def signaling_state(self) -> str:
        """The signaling state."""
        if self.is_closed:
            return "closed"
        state = self._pc.signalingState
        return "stable" if state == "closed" else state

    @property
    def connection_state(self) -> str:
        """The state of the connection."""
        return self._of_connection(self._pc.connectionState)

    @property
    def ice_connection_state(self) -> str:
        """The state of ICE."""
        return self._of_connection(self._pc.iceConnectionState)

    def _of_connection(self, state: str) -> str:
        """Aiortc says closed when the other side has left or consent has expired; W3C only after `close`."""
        if self.is_closed or state != "closed":
            return "closed" if self.is_closed else state
        return "failed" if self._pc.consent_expired else "disconnected"

    @property
    def sctp(self) -> Any:
        """The SCTP transport; None before the first description, as in W3C."""
        sctp: Any = self._pc.sctp
        return None if sctp is None or sctp.mid is None else sctp

    def all(self) -> Attributes:
        """Return the states and descriptions."""
        state = self.signaling_state
        now: dict[str, Description | None] = {
            side: self.applying.get(side) or description_of(getattr(self._pc, f"{side}Description"))
            for side in ("local", "remote")
        }
        if state == "stable" and now["local"] is not None and now["remote"] is not None:
            self._agreed = now
        pending = {side: now[side] if state == f"have-{side}-offer" else None for side in now}
        remote = now["remote"]
        return {
            "signaling_state": state,
            "ice_gathering_state": self._pc.iceGatheringState,
            "ice_connection_state": self.ice_connection_state,
            "connection_state": self.connection_state,
            "can_trickle_ice_candidates": None if remote is None else _can_trickle(remote["sdp"]),
            **{f"{side}_description": pending[side] or self._agreed[side] for side in now},
            **{f"current_{side}_description": self._agreed[side] for side in now},
            **{f"pending_{side}_description": pending[side] for side in now},
        }


def description_of(description: Any) -> Description | None:
    """Return a description of aiortc as JSON."""
    return None if description is None else {"type": description.type, "sdp": description.sdp}


def _can_trickle(sdp: str) -> bool:
    return re.search(r"^a=ice-options:.*\btrickle\b", sdp, re.MULTILINE) is not None
