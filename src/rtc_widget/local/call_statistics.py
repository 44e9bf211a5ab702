"""What a running call can tell of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CallStatistics:
    """Numbers of one moment of a call; None where nothing is known (yet).

    Attributes
    ----------
    transport : str
        ``"WebRTC"`` or ``"WebSocket"``.
    codec : str or None
        The codec of the sound, such as ``"opus"``.
    clock_rate : int or None
        The codec's clock, in hertz.
    local_candidate, remote_candidate : str or None
        The types of the ICE candidates in use: ``host``, ``srflx``, ``prflx`` or ``relay`` (RFC 8445).
    protocol : str or None
        ``"udp"`` or ``"tcp"``.
    round_trip_ms : float or None
        From the client's last RTCP report.
    packets_received, packets_lost : int or None
        Of the person's sound.
    jitter_ms : float or None
        Of the person's sound (RFC 3550, section 6.4.1).
    seconds : float
        How long the call has lasted.
    """

    transport: str
    codec: str | None = None
    clock_rate: int | None = None
    local_candidate: str | None = None
    remote_candidate: str | None = None
    protocol: str | None = None
    round_trip_ms: float | None = None
    packets_received: int | None = None
    packets_lost: int | None = None
    jitter_ms: float | None = None
    seconds: float = 0.0


async def no_statistics() -> CallStatistics:
    """Return what is known of a session without a connection of its own."""
    return CallStatistics("WebSocket")
