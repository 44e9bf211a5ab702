"""A peer on wrtc: libwebrtc, the engine of Chromium, with the W3C interface in Python."""

from __future__ import annotations

import math
import socket
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache
from typing import Any

import webrtc

from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget.headless.peers.engine import EngineListener, Json, PeerEngine, Result
from rtc_widget.headless.peers.errors import PeerFailure
from rtc_widget.headless.peers.handles import kind_of
from rtc_widget.headless.peers.pairs import Pair, pairs_of
from rtc_widget.headless.peers.record import Attributes
from rtc_widget.headless.peers.sources import audio_source
from rtc_widget.headless.peers.wrtc_audio import consume, feed

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


class WrtcEngine(PeerEngine):
    """A peer on wrtc; see `PeerEngine`."""

    name = "wrtc"

    def __init__(
        self,
        configuration: Json,
        listener: EngineListener,
        fetch_clip: Callable[[str], Awaitable[MonoAudio]],
    ) -> None:
        super().__init__(configuration, listener, fetch_clip)
        _offer_loopback_when_alone()
        self._pc = webrtc.RTCPeerConnection(_configuration(configuration))
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
        found = {name: _plain(getattr(thing, name)) for name in _ATTRIBUTES[kind]}
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
                    "kind": _plain(thing.receiver.track.kind),
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
                data = event.data
                payload = {"text": data} if isinstance(data, str) else {"base64": b64encode(data).decode()}
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
                return is_state and _plain(self._handles.get(kind, source).state) != "closed"
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
        is_ready: bool = sctp is None or _plain(sctp.transport.state) not in ("new", "connecting")
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

    # Operations

    async def close(self) -> Result:  # noqa: D102
        await self._end_tasks()
        for track in self._own_tracks:
            track.stop()
        self._readers.clear()
        channels = [(handle, thing) for handle, thing in self._handles if kind_of(handle) == "channel"]
        still_open = [handle for handle, channel in channels if channel.ready_state != "closed"]
        self._pc.close()
        # Chromium reports them; W3C closes channels without events, and so does wrtc.
        for handle in still_open:
            self._notify(handle, "closing", None)
            self._notify(handle, "close", None)
        return {}

    async def create_offer(self, ice_restart: bool = False) -> Result:  # noqa: D102
        return _required(await self._pc.create_offer(webrtc.RTCOfferOptions(ice_restart=ice_restart)))

    async def create_answer(self) -> Result:  # noqa: D102
        return _required(await self._pc.create_answer())

    async def set_local_description(self, description: Json | None = None) -> Result:  # noqa: D102
        given = description or {}
        init = webrtc.RTCLocalSessionDescriptionInit(given.get("type"), given.get("sdp") or "")
        await self._apply(self._pc.set_local_description(init))
        return {}

    async def set_remote_description(self, description: Json) -> Result:  # noqa: D102
        init = webrtc.RTCSessionDescriptionInit.from_json({"type": None, **description})
        await self._apply(self._pc.set_remote_description(init))
        return {}

    async def _apply(self, applying: Awaitable[None]) -> None:
        self._is_applying = True
        try:
            await applying
        finally:
            self._end_applying()

    async def add_ice_candidate(self, candidate: Json | None = None) -> Result:  # noqa: D102
        init = None if candidate is None else webrtc.RTCIceCandidateInit.from_json(candidate)
        await self._pc.add_ice_candidate(init)
        return {}

    async def restart_ice(self) -> Result:  # noqa: D102
        self._pc.restart_ice()
        return {}

    async def get_configuration(self) -> Result:  # noqa: D102
        configuration = self._pc.get_configuration()
        return {
            "configuration": {
                "ice_servers": [server.to_json() for server in configuration.ice_servers],
                "ice_transport_policy": _plain(configuration.ice_transport_policy),
                "bundle_policy": _plain(configuration.bundle_policy),
            }
        }

    async def set_configuration(self, configuration: Json) -> Result:  # noqa: D102
        self._pc.set_configuration(_configuration(configuration))
        return {}

    async def add_track(self, media: Json) -> Result:  # noqa: D102
        track = await self._open_track(media)
        try:
            sender = self._pc.add_track(track)
        except Exception:
            track.stop()
            raise
        [transceiver] = [each for each in self._pc.get_transceivers() if each.sender is sender]
        return {"sender": self._handle("sender", sender), "transceiver": self._handle("transceiver", transceiver)}

    async def remove_track(self, sender: str) -> Result:  # noqa: D102
        found = self._handles.get("sender", sender)
        track = found.track
        self._pc.remove_track(found)
        self._stop_unused(track)
        return {}

    async def replace_track(self, sender: str, media: Json | None = None) -> Result:  # noqa: D102
        found = self._handles.get("sender", sender)
        before = found.track
        track = None if media is None else await self._open_track(media)
        try:
            await found.replace_track(track)
        except Exception:
            self._stop_unused(track)
            raise
        self._stop_unused(before)
        return {}

    async def set_track_enabled(self, track: str, enabled: bool) -> Result:  # noqa: D102
        self._handles.get("track", track).enabled = enabled
        return {}

    async def add_transceiver(  # noqa: D102
        self, kind: str, direction: str = "sendrecv", media: Json | None = None
    ) -> Result:
        init = webrtc.RTCRtpTransceiverInit(direction=webrtc.RTCRtpTransceiverDirection(direction))
        track = None if media is None else await self._open_track(media)
        try:
            transceiver = self._pc.add_transceiver(webrtc.MediaType(kind) if track is None else track, init)
        except Exception:
            self._stop_unused(track)
            raise
        return {"transceiver": self._handle("transceiver", transceiver)}

    async def set_direction(self, transceiver: str, direction: str) -> Result:  # noqa: D102
        found = self._handles.get("transceiver", transceiver)
        found.direction = webrtc.RTCRtpTransceiverDirection(direction)
        return {}

    async def set_codec_preferences(self, transceiver: str, codecs: list[Json]) -> Result:  # noqa: D102
        preferred = [webrtc.RTCRtpCodec.from_json(codec) for codec in codecs]
        self._handles.get("transceiver", transceiver).set_codec_preferences(preferred)
        return {}

    async def stop_transceiver(self, transceiver: str) -> Result:  # noqa: D102
        found = self._handles.get("transceiver", transceiver)
        track = found.sender.track
        found.stop()
        self._stop_unused(track)
        return {}

    async def get_capabilities(self, side: str, kind: str) -> Result:  # noqa: D102
        if side not in ("sender", "receiver"):
            raise PeerFailure("TypeError", f"side must be 'sender' or 'receiver', got {side!r}.")
        if kind not in ("audio", "video"):
            return {"capabilities": None}
        read = webrtc.RTCRtpSender.get_capabilities if side == "sender" else webrtc.RTCRtpReceiver.get_capabilities
        capabilities = read(webrtc.MediaType(kind))
        return {"capabilities": capabilities and capabilities.to_json()}

    async def get_parameters(self, sender: str) -> Result:  # noqa: D102
        parameters = self._handles.get("sender", sender).get_parameters()
        self._parameters[sender] = parameters.transaction_id
        return {"parameters": parameters.to_json()}

    async def set_parameters(self, sender: str, parameters: Json) -> Result:  # noqa: D102
        found = self._handles.get("sender", sender)
        expected = self._parameters.get(sender)
        if expected is None:
            raise PeerFailure("InvalidStateError", "get_parameters must be called before set_parameters.")
        if parameters.get("transactionId") != expected:
            raise PeerFailure("InvalidModificationError", "The parameters must be those of the last get_parameters.")
        # wrtc forgets them, as a page does, when the event loop runs its next task; the kernel is slower than that.
        current = found.get_parameters()
        init = webrtc.RTCRtpSendParameters.from_json({**parameters, "transactionId": current.transaction_id})
        await found.set_parameters(init)
        del self._parameters[sender]
        return {}

    async def set_jitter_buffer_target(self, receiver: str, milliseconds: float | None = None) -> Result:  # noqa: D102
        self._handles.get("receiver", receiver).jitter_buffer_target = milliseconds
        return {}

    async def create_data_channel(self, label: str, options: Json | None = None) -> Result:  # noqa: D102
        init = webrtc.RTCDataChannelInit.from_json(options or {})
        return {"channel": self._add_channel(self._pc.create_data_channel(label, init))}

    async def send(self, channel: str, text: str | None = None, base64: str | None = None) -> Result:  # noqa: D102
        found = self._handles.get("channel", channel)
        found.send(b64decode(base64) if base64 is not None else (text or ""))
        return {}

    async def close_channel(self, channel: str) -> Result:  # noqa: D102
        self._handles.get("channel", channel).close()
        return {}

    async def set_buffered_amount_low_threshold(self, channel: str, bytes: int) -> Result:  # noqa: D102
        self._handles.get("channel", channel).buffered_amount_low_threshold = bytes
        return {}

    async def get_stats(self, of: str | None = None) -> Result:  # noqa: D102
        if of is None:
            report = await self._pc.get_stats()
        else:
            kind = kind_of(of)
            if kind not in ("sender", "receiver"):
                raise PeerFailure("TypeError", f"of must be a sender or a receiver, got {of!r}.")
            report = await self._handles.get(kind, of).get_stats()
        return {"reports": [stats.to_json() for stats in report.values()]}

    async def pairs(self) -> list[Pair]:
        """Return the candidate pairs now."""
        return pairs_of((await self.get_stats())["reports"])

    # Tracks

    async def _open_track(self, media: Json) -> webrtc.MediaStreamTrackGenerator:
        source = await audio_source(media, self._fetch_clip, self._is_connected)
        track = webrtc.MediaStreamTrackGenerator("audio")
        self._own_tracks.append(track)
        self._run(feed(track, source))
        return track

    def _stop_unused(self, track: webrtc.MediaStreamTrack | None) -> None:
        """Stop a track of this peer that no sender has any more: no message can name it again."""
        in_use = [sender.track for sender in self._pc.get_senders()]
        if track is not None and not any(each is track for each in in_use):
            track.stop()


@cache
def _offer_loopback_when_alone() -> None:
    """Let libwebrtc offer 127.0.0.1 on a machine without a network, as Chromium does there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it looks up the route
        except OSError:
            with suppress(webrtc.InvalidStateError):  # too late: other code has made a connection
                webrtc.allow_loopback()


def _configuration(configuration: Json) -> webrtc.RTCConfiguration:
    return webrtc.RTCConfiguration.from_json(configuration)


def _description(description: Any) -> dict[str, str] | None:
    return None if description is None else {"type": _plain(description.type), "sdp": description.sdp}


def _required(description: Any) -> dict[str, str]:
    return {"type": _plain(description.type), "sdp": description.sdp}


def _plain(value: Any) -> Any:
    """Return the value of a member of an enumeration."""
    return getattr(value, "value", value)
