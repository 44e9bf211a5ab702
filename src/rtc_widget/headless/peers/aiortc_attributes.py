"""The attributes of aiortc's objects, by their names in messages."""

from __future__ import annotations

import re
from typing import Any

from aiortc import RTCDataChannel, RTCSessionDescription

from rtc_widget.headless.peers.aiortc_audio import SourceTrack
from rtc_widget.headless.peers.pairs import Pair, pair_priority
from rtc_widget.headless.peers.record import Attributes


def transceiver_attributes(transceiver: Any) -> Attributes:
    """Return the attributes of a transceiver, without its sender and receiver."""
    return {
        "mid": transceiver.mid,
        "kind": transceiver.kind,
        "direction": transceiver.direction,
        "current_direction": transceiver.currentDirection,
        "stopped": transceiver.stopped,
    }


def track_attributes(track: Any, *, is_muted: bool) -> Attributes:
    """Return the attributes of a track; `is_muted` says whether nothing has been received on it."""
    is_own = isinstance(track, SourceTrack)
    return {
        "kind": track.kind,
        "id": track.id,
        "label": track.label if is_own else "",
        "enabled": track.enabled if is_own else True,
        "muted": is_muted and not is_own,
        "ready_state": track.readyState,
    }


def channel_attributes(channel: RTCDataChannel, *, is_closed: bool) -> Attributes:
    """Return the attributes of a channel of a connection that is closed or not."""
    return {
        "label": channel.label,
        "id": channel.id,
        "ordered": channel.ordered,
        "max_packet_life_time": channel.maxPacketLifeTime,
        "max_retransmits": channel.maxRetransmits,
        "protocol": channel.protocol,
        "negotiated": channel.negotiated,
        "ready_state": "closed" if is_closed else channel.readyState,
        "buffered_amount": channel.bufferedAmount,
        "buffered_amount_low_threshold": channel.bufferedAmountLowThreshold,
    }


def ice_attributes(ice: Any) -> Attributes:
    """Return the attributes of an ICE transport; aiortc has no public API for the pair."""
    pair = next(iter(ice._connection._nominated.values()), None)
    return {
        "state": ice.state,
        "gathering_state": ice.iceGatherer.state.replace("completed", "complete"),
        "role": ice.role,
        "selected_pair": pair and {side: _candidate_init(getattr(pair, f"{side}_candidate")) for side in _SIDES},
    }


_SIDES = ("local", "remote")


def _candidate_init(candidate: Any) -> dict[str, Any]:
    text = f"candidate:{candidate.to_sdp()}"
    return {"candidate": text, "sdpMid": None, "sdpMLineIndex": None, "usernameFragment": None}


def sctp_attributes(sctp: Any, remote: RTCSessionDescription | None) -> Attributes:
    """Return the attributes of the SCTP transport, without its transport."""
    stated = re.search(r"^a=max-message-size:(\d+)", remote.sdp if remote else "", re.MULTILINE)
    return {
        "state": sctp.state,
        "max_message_size": int(stated[1]) if stated else None,
        "max_channels": sctp.maxChannels,
    }


def transport_pairs(ice: Any) -> list[Pair]:
    """Return the candidate pairs of an ICE transport; aiortc counts no checks and measures no round trip."""
    connection = ice._connection
    nominated = tuple(connection._nominated.values())
    rows = []
    for pair in connection._check_list:
        local, remote = pair.local_candidate, pair.remote_candidate
        first, second = (local, remote) if ice.role == "controlling" else (remote, local)
        rows.append(
            {
                "id": f"{local.type} {local.host}:{local.port} {remote.host}:{remote.port}",
                "local": _pair_end(local),
                "remote": _pair_end(remote),
                "priority": pair_priority(first.priority, second.priority),
                "state": pair.state.name.lower().replace("_", "-"),
                "sent": 0,
                "answered": 0,
                "rtt": None,
                "selected": any(each is pair for each in nominated),
            }
        )
    return rows


def _pair_end(candidate: Any) -> dict[str, Any]:
    return {
        "type": candidate.type,
        "address": candidate.host,
        "port": candidate.port,
        "protocol": candidate.transport.lower(),
    }
