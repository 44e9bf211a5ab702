"""The objects of a peer on aiortc, and their events as W3C has them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiortc import RTCDataChannel
from aiortc.sdp import candidate_to_sdp

from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget._aiortc.audio_buffer import use_audio_buffer
from rtc_widget._aiortc.connection import Connection, offer_loopback_when_alone
from rtc_widget.headless.peers.aiortc_attributes import (
    channel_attributes,
    ice_attributes,
    sctp_attributes,
    track_attributes,
    transceiver_attributes,
)
from rtc_widget.headless.peers.aiortc_audio import SourceTrack, consume
from rtc_widget.headless.peers.aiortc_configuration import configuration_of
from rtc_widget.headless.peers.aiortc_network import PeerNetworks
from rtc_widget.headless.peers.aiortc_states import STATE_EVENTS, AiortcStates
from rtc_widget.headless.peers.engine import EngineListener, Json, PeerEngine, message_payload
from rtc_widget.headless.peers.record import Attributes


class AiortcObjects(PeerEngine):
    """What a peer on aiortc has and reports; `AiortcEngine` adds the operations.

    Parameters
    ----------
    networks : PeerNetworks
        Gives its connection the network conditions of the page.
    """

    name = "aiortc"

    def __init__(
        self,
        configuration: Json,
        listener: EngineListener,
        fetch_clip: Callable[[str], Awaitable[MonoAudio]],
        networks: PeerNetworks,
    ) -> None:
        super().__init__(configuration, listener, fetch_clip)
        offer_loopback_when_alone()
        self._pc = Connection(configuration_of(configuration))
        self._networks = networks
        networks.add(self._pc)
        # aiortc has no operations chain (WebRTC, section 4.4.1.2): descriptions and candidates are applied in turn.
        self._chain = asyncio.Lock()
        self._states = AiortcStates(self._pc)
        # The transports of senders and receivers: W3C has none before the first description.
        self._transports: dict[int, Any] = {}
        self._own_tracks: list[SourceTrack] = []
        self._unmuted: set[int] = set()
        self._level = 0.0
        self._reported: dict[str, str] = {}
        self._postponed: list[Callable[[], None]] | None = None
        self._candidates_of: set[int] = set()
        self._needs_negotiation = False
        self._handle("pc", self._pc)

    @property
    def connection_state(self) -> str:
        """The state of the connection."""
        return self._states.connection_state

    @property
    def ice_connection_state(self) -> str:
        """The state of ICE."""
        return self._states.ice_connection_state

    def _report_state(self, event: str) -> None:
        name = STATE_EVENTS[event]
        state = self._states.all()[name]
        if self._states.is_closed or self._reported.get(name) == state:
            return
        self._reported[name] = state
        if event == "icegatheringstatechange" and state == "complete" and self._postponed is not None:
            # After the candidates, which aiortc has when the operation returns.
            self._postponed.append(lambda: self._notify("pc", event, None))
        else:
            self._notify("pc", event, None)

    # Objects and events

    def _discover(self) -> None:
        for transceiver in self._pc.getTransceivers():
            sender, receiver = transceiver.sender, transceiver.receiver
            self._handle("transceiver", transceiver)
            self._handle("sender", sender)
            self._handle("receiver", receiver)
            self._handle("track", sender.track)
            self._handle("track", receiver.track)
            if transceiver.mid is not None:
                self._transports[id(sender)] = self._transports[id(receiver)] = sender.transport
                self._discover_transport(sender.transport)
        sctp = self._states.sctp
        if sctp is not None:
            self._handle("sctp", sctp)
            self._discover_transport(sctp.transport)

    def _discover_transport(self, dtls: Any) -> None:
        self._handle("dtls", dtls)
        self._handle("ice", dtls.transport)

    def _attributes(self, kind: str, thing: Any) -> Attributes:
        match kind:
            case "pc":
                transceivers = thing.getTransceivers()
                return {
                    **self._states.all(),
                    "transceivers": [self._handle("transceiver", each) for each in transceivers],
                    "senders": [self._handle("sender", each.sender) for each in transceivers],
                    "receivers": [self._handle("receiver", each.receiver) for each in transceivers],
                    "sctp": self._handle("sctp", self._states.sctp),
                }
            case "transceiver":
                return {
                    **transceiver_attributes(thing),
                    "sender": self._handle("sender", thing.sender),
                    "receiver": self._handle("receiver", thing.receiver),
                }
            case "sender" | "receiver":
                found = {
                    "track": self._handle("track", thing.track),
                    "transport": self._handle("dtls", self._transports.get(id(thing))),
                }
                return found if kind == "sender" else {**found, "jitter_buffer_target": None}
            case "track":
                return track_attributes(thing, is_muted=id(thing) not in self._unmuted)
            case "channel":
                return channel_attributes(thing, is_closed=self._states.is_closed)
            case "dtls":
                return {"state": thing.state, "ice_transport": self._handle("ice", thing.transport)}
            case "ice":
                return ice_attributes(thing)
            case _:
                return {
                    **sctp_attributes(thing, self._pc.remoteDescription),
                    "transport": self._handle("dtls", thing.transport),
                }

    def _listen(self, kind: str, handle: str, thing: Any) -> None:
        def report(name: str, payload: object = None) -> None:
            if not self._states.is_closed:
                self._notify(handle, name, payload)

        match kind:
            case "pc":
                for event in STATE_EVENTS:
                    thing.on(event, lambda event=event: self._report_state(event))
                thing.on("track", self._receive_track)
                thing.on("datachannel", self._receive_channel)
            case "channel":
                for name in ("open", "bufferedamountlow", "close"):
                    thing.on(name, lambda name=name: report(name))
                thing.on("message", lambda data: report("message", message_payload(data)))
            case "track":
                thing.on("ended", lambda: None if isinstance(thing, SourceTrack) else report("ended"))
            case "dtls":
                thing.on("statechange", lambda: report("statechange"))
            case "ice":
                thing.on("statechange", lambda: report("statechange"))
                thing.iceGatherer.on("statechange", lambda: report("gatheringstatechange"))

    def _receive_track(self, track: Any) -> None:
        [transceiver] = [each for each in self._pc.getTransceivers() if each.receiver.track is track]
        use_audio_buffer(transceiver.receiver)

        def report() -> None:
            payload = {
                "transceiver": self._handle("transceiver", transceiver),
                "receiver": self._handle("receiver", transceiver.receiver),
                "track": self._handle("track", track),
            }
            self._notify("pc", "track", payload)
            self._run(consume(track, lambda level: self._hear(track, level)))

        # W3C: after the change of the signaling state.
        if self._postponed is None:
            report()
        else:
            self._postponed.append(report)

    def _hear(self, track: Any, level: float) -> None:
        self._level = level
        if id(track) not in self._unmuted:
            self._unmuted.add(id(track))
            self._notify(str(self._handle("track", track)), "unmute", None)

    def _receive_channel(self, channel: RTCDataChannel) -> None:
        handle = str(self._handle("channel", channel))
        self._notify("pc", "datachannel", {"channel": handle})
        # aiortc has opened it before.
        if channel.readyState == "open":
            self._notify(handle, "open", None)

    def _report_candidates(self) -> None:
        """Report the candidates that were gathered since the last time, and then that there are no more."""
        sections = [(each.mid, each._get_mline_index(), each.receiver.transport) for each in self._pc.getTransceivers()]
        sctp: Any = self._pc.sctp
        if sctp is not None:
            sections.append((sctp.mid, self._pc._RTCPeerConnection__sctp_mline_index, sctp.transport))  # type: ignore[attr-defined]
        is_new = False
        for mid, index, dtls in sorted(sections, key=lambda section: section[1] or 0):
            gatherer = dtls.transport.iceGatherer
            if mid is None or id(gatherer) in self._candidates_of:
                continue
            is_new = True
            self._candidates_of.add(id(gatherer))
            for candidate in gatherer.getLocalCandidates():
                payload = {
                    "candidate": f"candidate:{candidate_to_sdp(candidate)}",
                    "sdpMid": mid,
                    "sdpMLineIndex": index,
                    "usernameFragment": gatherer.getLocalParameters().usernameFragment,
                }
                self._notify("pc", "icecandidate", {"candidate": payload, "url": None})
        for report in self._take_postponed():
            report()
        if is_new:
            self._notify("pc", "icecandidate", {"candidate": None, "url": None})

    def _take_postponed(self) -> list[Callable[[], None]]:
        postponed, self._postponed = self._postponed or [], None
        return postponed
