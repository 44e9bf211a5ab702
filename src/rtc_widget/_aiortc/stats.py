"""Statistics of an aiortc connection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from aiortc import RTCPeerConnection
from aiortc.sdp import SessionDescription
from aiortc.stats import RTCInboundRtpStreamStats, RTCRemoteInboundRtpStreamStats


async def statistics_of(connection: RTCPeerConnection, seconds: float) -> CallStatistics:
    """Return the statistics of `connection`, which has lasted `seconds`."""
    codec = _codec(connection)
    known = _with_path(CallStatistics("WebRTC", seconds=seconds), connection)
    if codec is not None:
        known = replace(known, codec=codec.mimeType.split("/")[-1], clock_rate=codec.clockRate)
    for report in (await connection.getStats()).values():
        match report:
            case RTCInboundRtpStreamStats():
                jitter = report.jitter * 1000 / codec.clockRate if codec else None
                lost = max(0, report.packetsLost)
                known = replace(known, packets_received=report.packetsReceived, packets_lost=lost, jitter_ms=jitter)
            case RTCRemoteInboundRtpStreamStats() if report.roundTripTime:
                known = replace(known, round_trip_ms=report.roundTripTime * 1000)
    return known


async def packets_received(connection: RTCPeerConnection) -> int:
    """Return the number of received packets, without those of ICE."""
    reports = (await connection.getStats()).values()
    return max((report.packetsReceived for report in reports if report.type == "transport"), default=0)


def _codec(connection: RTCPeerConnection) -> Any:
    media = SessionDescription.parse(connection.localDescription.sdp).media
    return next((codecs[0] for codecs in (part.rtp.codecs for part in media if part.kind == "audio") if codecs), None)


def _with_path(known: CallStatistics, connection: RTCPeerConnection) -> CallStatistics:
    """Add the candidate pair in use. aiortc has no public API for it."""
    transports = (transceiver.sender.transport.transport for transceiver in connection.getTransceivers())
    pairs = (pair for transport in transports for pair in transport._connection._nominated.values())
    pair = next(pairs, None)
    if pair is None:
        return known
    local, remote = pair.local_candidate, pair.remote_candidate
    return replace(known, local_candidate=local.type, remote_candidate=remote.type, protocol=local.transport.lower())


@dataclass(frozen=True, slots=True)
class CallStatistics:
    """The statistics of a call at one moment; None for a value that is not known (yet).

    Attributes
    ----------
    transport : str
        ``"WebRTC"`` or ``"WebSocket"``.
    codec : str or None
        The audio codec, such as ``"opus"``.
    clock_rate : int or None
        Clock rate of the codec, in hertz.
    local_candidate, remote_candidate : str or None
        The types of the ICE candidates in use: ``host``, ``srflx``, ``prflx`` or ``relay`` (RFC 8445).
    protocol : str or None
        ``"udp"`` or ``"tcp"``.
    round_trip_ms : float or None
        Round-trip time in milliseconds, from the last RTCP report of the client.
    packets_received, packets_lost : int or None
        Packets of the input audio.
    jitter_ms : float or None
        Jitter of the input audio in milliseconds (RFC 3550, section 6.4.1).
    seconds : float
        Duration of the call.
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
    """Return the statistics of a session without WebRTC: none but the transport."""
    return CallStatistics("WebSocket")
