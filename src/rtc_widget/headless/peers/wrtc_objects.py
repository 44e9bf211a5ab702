"""The objects of a peer on wrtc, and their events in the order of Chromium's."""

from __future__ import annotations

import math
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache
from typing import Any

import webrtc

from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget.headless.peers.engine import EngineListener, Json, PeerEngine, message_payload
from rtc_widget.headless.peers.handles import kind_of
from rtc_widget.headless.peers.record import Attributes
from rtc_widget.headless.peers.wrtc_audio import consume

_EVENTS = {
    "pc": (
        "negotiationneeded",
        "icecandidateerror",
        "signalingstatechange",
        "icegatheringstatechange",
        "iceconnectionstatechange",
        "connectionstatechange",
        "icecandidate",
        "track",
        "datachannel",
    ),
    "channel": ("open", "message", "bufferedamountlow", "error", "closing", "close"),
    "track": ("mute", "unmute", "ended"),
    "dtls": ("statechange",),
    "ice": ("statechange", "gatheringstatechange", "selectedcandidatepairchange"),
    "sctp": ("statechange",),
}

_ATTRIBUTES = {
    "track": ("kind", "id", "label", "enabled", "muted", "ready_state"),
    "channel": (
        "label",
        "id",
        "ordered",
        "max_packet_life_time",
        "max_retransmits",
        "protocol",
        "negotiated",
        "ready_state",
        "buffered_amount",
        "buffered_amount_low_threshold",
    ),
    "transceiver": ("mid", "direction", "current_direction", "stopped"),
    "sender": (),
    "receiver": ("jitter_buffer_target",),
    "dtls": ("state",),
    "ice": ("state", "gathering_state", "role"),
    "sctp": ("state", "max_channels"),
    "pc": (
        "signaling_state",
        "ice_gathering_state",
        "ice_connection_state",
        "connection_state",
        "can_trickle_ice_candidates",
    ),
}

_DESCRIPTIONS = tuple(
    f"{state}{side}_description" for state in ("", "current_", "pending_") for side in ("local", "remote")
)


class WrtcObjects(PeerEngine):
    """What a peer on wrtc has and reports; `WrtcEngine` adds the operations."""

    name = "wrtc"

    def __init__(
        self,
        configuration: Json,
        listener: EngineListener,
        fetch_clip: Callable[[str], Awaitable[MonoAudio]],
    ) -> None:
        super().__init__(configuration, listener, fetch_clip)
        _offer_loopback_when_alone()
        self._pc = webrtc.RTCPeerConnection(configuration_of(configuration))
        self._readers: list[webrtc.MediaStreamTrackProcessor] = []
        self._own_tracks: list[webrtc.MediaStreamTrackGenerator] = []
        # What `get_parameters` returned last, for each sender.
        self._parameters: dict[str, str] = {}
        # Whether a description is being applied, and the transports that were bundled away.
        self._is_applying = False
        self._abandoned: set[str] = set()
        self._handle("pc", self._pc)

    @property
    def connection_state(self) -> str:
        """The state of the connection."""
        return str(self._pc.connection_state.value)

    @property
    def ice_connection_state(self) -> str:
        """The state of ICE."""
        return str(self._pc.ice_connection_state.value)

    # Objects and events

    def _discover(self) -> None:
        for transceiver in self._pc.get_transceivers():
            sender, receiver = transceiver.sender, transceiver.receiver
            self._handle("transceiver", transceiver)
            self._handle("sender", sender)
            self._handle("receiver", receiver)
            self._handle("track", sender.track)
            self._handle("track", receiver.track)
            self._discover_transport(sender.transport)
            self._discover_transport(receiver.transport)
        sctp = self._pc.sctp
        self._handle("sctp", sctp)
        self._discover_transport(None if sctp is None else sctp.transport)

    def _discover_transport(self, dtls: webrtc.RTCDtlsTransport | None) -> None:
        self._handle("dtls", dtls)
        self._handle("ice", None if dtls is None else dtls.ice_transport)

    def _attributes(self, kind: str, thing: Any) -> Attributes:
        found = {name: plain(getattr(thing, name)) for name in _ATTRIBUTES[kind]}
        match kind:
            case "pc":
                transceivers = thing.get_transceivers()
                found |= {name: _description(getattr(thing, name)) for name in _DESCRIPTIONS}
                found |= {
                    "transceivers": [self._handle("transceiver", each) for each in transceivers],
                    "senders": [self._handle("sender", each.sender) for each in transceivers],
                    "receivers": [self._handle("receiver", each.receiver) for each in transceivers],
                    "sctp": self._handle("sctp", thing.sctp),
                }
            case "transceiver":
                found |= {
                    "kind": plain(thing.receiver.track.kind),
                    "sender": self._handle("sender", thing.sender),
                    "receiver": self._handle("receiver", thing.receiver),
                }
            case "sender" | "receiver":
                found |= {
                    "track": self._handle("track", thing.track),
                    "transport": self._handle("dtls", thing.transport),
                }
            case "dtls":
                found["ice_transport"] = self._handle("ice", thing.ice_transport)
                if self._handles.find(thing) in self._abandoned:
                    found["state"] = "closed"
            case "ice":
                pair = thing.get_selected_candidate_pair()
                found["selected_pair"] = pair and {"local": pair.local.to_json(), "remote": pair.remote.to_json()}
            case "sctp":
                size = thing.max_message_size
                found["transport"] = self._handle("dtls", thing.transport)
                # Infinite if the other side has no limit, which JSON has no number for.
                found["max_message_size"] = int(size) if size is not None and math.isfinite(size) else None
        return found

    def _listen(self, kind: str, handle: str, thing: Any) -> None:
        for name in _EVENTS.get(kind, ()):

            def receive(event: Any, name: str = name) -> None:
                self._receive(handle, name, event)

            thing.on(name, receive)

    def _receive(self, source: str, name: str, event: Any) -> None:
        payload: object = None
        match name:
            case "icecandidate":
                if event.candidate is not None and event.candidate.candidate == "":
                    return  # the end of one section; Chromium reports only the end of all
                payload = {"candidate": event.candidate and event.candidate.to_json(), "url": event.url}
            case "icecandidateerror":
                fields = ("address", "port", "url", "error_code", "error_text")
                payload = {field: getattr(event, field) for field in fields}
            case "track":
                self._readers.append(consume(event.track))
                payload = {
                    "transceiver": self._handle("transceiver", event.transceiver),
                    "receiver": self._handle("receiver", event.receiver),
                    "track": self._handle("track", event.track),
                }
            case "datachannel":
                payload = {"channel": self._add_channel(event.channel)}
            case "message":
                payload = message_payload(event.data)
            case "error":
                payload = {"message": event.error.message}
        if self._is_applying and self._is_of_transports(source, name):
            self._listener.postpone_event("applied", source, name, payload)
        elif self._is_of_channels(source, name) and not self._can_carry_channels():
            self._listener.postpone_event("carried", source, name, payload)
        elif name == "signalingstatechange":
            self._report_abandoned()
            self._notify(source, name, payload)
            self._end_applying()
        elif source not in self._abandoned or name != "statechange":
            self._notify(source, name, payload)
        if self._can_carry_channels():
            self._listener.release_events("carried")

    # Chromium reports what happens in the order of its causes. wrtc has two sources of events, and the network is
    # often ahead of the signaling: a packet arrives before the description is applied that allows it.

    def _is_of_transports(self, source: str, name: str) -> bool:
        """Whether it is an event of ICE or DTLS that comes after the change of the signaling state."""
        match kind_of(source):
            case "pc":
                return name in ("iceconnectionstatechange", "connectionstatechange")
            case "ice" | "dtls" as kind:
                is_state = name in ("statechange", "selectedcandidatepairchange")
                return is_state and plain(self._handles.get(kind, source).state) != "closed"
            case _:
                return False

    def _is_of_channels(self, source: str, name: str) -> bool:
        """Whether it is an event of SCTP or a channel that comes after DTLS is connected."""
        match kind_of(source):
            case "channel":
                return name in ("open", "message")
            case "sctp":
                return bool(self._handles.get("sctp", source).state == "connected")
            case _:
                return name == "datachannel"

    def _can_carry_channels(self) -> bool:
        sctp = self._pc.sctp
        is_ready: bool = sctp is None or plain(sctp.transport.state) not in ("new", "connecting")
        return is_ready and not self._is_applying

    def _end_applying(self) -> None:
        self._is_applying = False
        self._listener.release_events("applied")
        if self._can_carry_channels():
            self._listener.release_events("carried")

    def _report_abandoned(self) -> None:
        """Report the transports that were bundled away as closed, before the change of the signaling state.

        So does Chromium. libwebrtc has closed them; wrtc tells it a little later.
        """
        sctp, transceivers = self._pc.sctp, self._pc.get_transceivers()
        in_use = [each.sender.transport for each in transceivers] + ([] if sctp is None else [sctp.transport])
        for handle, thing in self._handles:
            if kind_of(handle) != "dtls" or handle in self._abandoned or thing.state == "closed":
                continue
            if not any(each is thing for each in in_use):
                self._abandoned.add(handle)
                self._notify(handle, "statechange", None)

    def _add_channel(self, channel: webrtc.RTCDataChannel) -> str | None:
        channel.binary_type = webrtc.BinaryType.arraybuffer
        return self._handle("channel", channel)


@cache
def _offer_loopback_when_alone() -> None:
    """Let libwebrtc offer 127.0.0.1 on a machine without a network, as Chromium does there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it looks up the route
        except OSError:
            with suppress(webrtc.InvalidStateError):  # too late: other code has made a connection
                webrtc.allow_loopback()


def configuration_of(configuration: Json) -> webrtc.RTCConfiguration:
    """Return the configuration of a message as wrtc takes it."""
    return webrtc.RTCConfiguration.from_json(configuration)


def _description(description: Any) -> dict[str, str] | None:
    return None if description is None else {"type": plain(description.type), "sdp": description.sdp}


def plain(value: Any) -> Any:
    """Return the value of a member of an enumeration."""
    return getattr(value, "value", value)
