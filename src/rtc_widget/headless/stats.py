"""The statistics of an aiortc connection, as W3C ``RTCStats`` dictionaries (WebRTC Statistics, section 6)."""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import datetime
from typing import Any

from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.sdp import SessionDescription

Report = dict[str, Any]


async def stats_reports(connection: RTCPeerConnection, *, user_level: float, assistant_level: float) -> list[Report]:
    """Return the reports of a browser's ``getStats()``, as far as aiortc has them.

    Parameters
    ----------
    connection : RTCPeerConnection
        The connection.
    user_level, assistant_level : float
        The levels of the sent and received audio, 0 to 1, which aiortc does not measure.
    """
    codec = _codec(connection)
    reports = [_as_wire(asdict(report)) for report in (await connection.getStats()).values()]
    round_trip = None
    for report in reports:
        if codec is not None and report["type"].endswith("-rtp"):
            report["codecId"] = codec["id"]
            if "jitter" in report:
                report["jitter"] /= codec["clockRate"]  # aiortc: samples; W3C: seconds
        match report["type"]:
            case "inbound-rtp":
                report["audioLevel"] = assistant_level
            case "outbound-rtp":
                report["mediaSourceId"] = "microphone"
            case "remote-inbound-rtp":
                round_trip = report.get("roundTripTime") or None
                report["fractionLost"] /= 256  # aiortc: the byte of RTCP (RFC 3550, section 6.4.1); W3C: 0 to 1
            case "transport":
                report["selectedCandidatePairId"] = "pair"
    source = {"id": "microphone", "type": "media-source", "kind": "audio", "audioLevel": user_level}
    more = [source, *([codec] if codec else []), *_path(connection, round_trip)]
    now = time.time() * 1000
    return reports + [{"timestamp": now, **report} for report in more]


def _as_wire(report: Report) -> Report:
    return {
        key: value.timestamp() * 1000 if isinstance(value, datetime) else value
        for key, value in report.items()
        if value is not None
    }


def _codec(connection: RTCPeerConnection) -> Report | None:
    # aiortc's types leave out that there may be none.
    description: RTCSessionDescription | None = connection.remoteDescription
    for part in SessionDescription.parse(description.sdp).media if description else []:
        if part.kind == "audio" and part.rtp.codecs:
            codec = part.rtp.codecs[0]
            return {
                "id": "codec",
                "type": "codec",
                "mimeType": codec.mimeType,
                "clockRate": codec.clockRate,
                "payloadType": codec.payloadType,
                "channels": codec.channels,
            }
    return None


def _path(connection: RTCPeerConnection, round_trip: float | None) -> list[Report]:
    """Return the candidate pair in use; aiortc has no public API for it."""
    transports = (transceiver.sender.transport.transport for transceiver in connection.getTransceivers())
    pair = next((pair for transport in transports for pair in transport._connection._nominated.values()), None)
    if pair is None:
        return []
    sides = [("local-candidate", "local", pair.local_candidate), ("remote-candidate", "remote", pair.remote_candidate)]
    candidates = [
        {
            "id": id,
            "type": type,
            "candidateType": candidate.type,
            "protocol": candidate.transport.lower(),
            "address": candidate.host,
            "port": candidate.port,
        }
        for type, id, candidate in sides
    ]
    chosen: Report = {
        "id": "pair",
        "type": "candidate-pair",
        "localCandidateId": "local",
        "remoteCandidateId": "remote",
        "nominated": True,
        "state": "succeeded",
    }
    if round_trip is not None:
        # From RTCP: aiortc does not keep the times of its connectivity checks.
        chosen["currentRoundTripTime"] = round_trip
    return [*candidates, chosen]
