"""Servers that ICE needs, for lessons and tests on one machine: STUN (RFC 8489) and TURN (RFC 8656).

They are independent of the voice server and need aioice (extra ``local``).
"""

from rtc_widget.server.network.stun_server import StunServer
from rtc_widget.server.network.turn_server import TurnServer

__all__ = ["StunServer", "TurnServer"]
