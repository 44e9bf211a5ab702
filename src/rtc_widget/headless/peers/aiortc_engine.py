"""A peer on aiortc, in W3C words. What aiortc lacks is refused; its network can be broken on purpose."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, cast

from aiortc import RTCDataChannel, RTCSessionDescription
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from aiortc.sdp import candidate_from_sdp, candidate_to_sdp

from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget._aiortc.audio_buffer import use_audio_buffer
from rtc_widget._aiortc.connection import Connection, offer_loopback_when_alone
from rtc_widget.headless.peers.aiortc_attributes import (
    channel_attributes,
    ice_attributes,
    message_payload,
    sctp_attributes,
    track_attributes,
    transceiver_attributes,
    transport_pairs,
)
from rtc_widget.headless.peers.aiortc_audio import SourceTrack, consume
from rtc_widget.headless.peers.aiortc_configuration import configuration_of, require_direction
from rtc_widget.headless.peers.aiortc_network import PeerNetworks
from rtc_widget.headless.peers.aiortc_states import STATE_EVENTS, AiortcStates, description_of
from rtc_widget.headless.peers.engine import EngineListener, Json, PeerEngine, Result
from rtc_widget.headless.peers.errors import PeerFailure
from rtc_widget.headless.peers.handles import kind_of
from rtc_widget.headless.peers.pairs import Pair
from rtc_widget.headless.peers.record import Attributes
from rtc_widget.headless.peers.sources import audio_source
from rtc_widget.headless.stats import stats_reports
from rtc_widget.sdp.description import SessionDescription

_LOCAL_STATES = {"offer": ("stable", "have-local-offer"), "answer": ("have-remote-offer",)}
_REMOTE_STATES = {"offer": ("stable", "have-remote-offer"), "answer": ("have-local-offer",)}


class AiortcEngine(PeerEngine):
    """A peer on aiortc; see `PeerEngine`.

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

    # Operations

    async def close(self) -> Result:  # noqa: D102
        self._states.is_closed = True
        for track in self._own_tracks:
            track.stop()
        await self._end_tasks()
        await self._pc.close()
        self._networks.remove(self._pc)
        return {}

    async def create_offer(self, ice_restart: bool = False) -> Result:  # noqa: D102
        if ice_restart:
            self._refuse("restart ICE")
        self._require_state("create an offer", ("stable", "have-local-offer"))
        async with self._chain:
            return description_of(await self._pc.createOffer()) or {}

    async def create_answer(self) -> Result:  # noqa: D102
        self._require_state("create an answer", ("have-remote-offer",))
        async with self._chain:
            return description_of(await self._pc.createAnswer()) or {}

    async def set_local_description(self, description: Json | None = None) -> Result:  # noqa: D102
        async with self._chain:
            implicit = "answer" if self._states.signaling_state == "have-remote-offer" else "offer"
            kind = (description or {}).get("type") or implicit
            sdp = (description or {}).get("sdp") or ""
            self._require_description("local", kind, _LOCAL_STATES)
            if not sdp:
                made = self._pc.createAnswer() if kind == "answer" else self._pc.createOffer()
                sdp = (await made).sdp
            await self._apply("local", kind, sdp)
            self._report_candidates()
        return {}

    async def set_remote_description(self, description: Json) -> Result:  # noqa: D102
        async with self._chain:
            kind, sdp = description.get("type"), description.get("sdp") or ""
            self._require_description("remote", kind, _REMOTE_STATES)
            await self._apply("remote", cast("str", kind), sdp)
            for report in self._take_postponed():
                report()
        return {}

    async def _apply(self, side: str, kind: str, sdp: str) -> None:
        # aiortc accepts any text as an offer. Without the type, only what the text itself must be is checked.
        faults = SessionDescription(sdp).check()
        if faults:
            raise PeerFailure("OperationError", f"Failed to parse the session description: {faults[0]}")
        self._postponed = []
        self._states.applying[side] = {"type": kind, "sdp": sdp}
        set_description = self._pc.setLocalDescription if side == "local" else self._pc.setRemoteDescription
        try:
            await set_description(RTCSessionDescription(sdp, kind))
        except (ValueError, AssertionError) as error:
            self._postponed = None
            reason = str(error) or type(error).__name__
            raise PeerFailure("InvalidAccessError", f"aiortc does not accept the {kind}: {reason}.") from None
        except BaseException:
            self._postponed = None
            raise
        finally:
            del self._states.applying[side]
        self._needs_negotiation &= self._states.signaling_state != "stable"

    async def add_ice_candidate(self, candidate: Json | None = None) -> Result:  # noqa: D102
        text = "" if candidate is None else candidate.get("candidate") or ""
        mid, index = (candidate or {}).get("sdpMid"), (candidate or {}).get("sdpMLineIndex")
        if text and mid is None and index is None:
            raise PeerFailure("TypeError", "sdpMid and sdpMLineIndex must not both be null.")
        self._require_state("add an ICE candidate", None)
        async with self._chain:
            if self._pc.remoteDescription is None:
                raise PeerFailure("InvalidStateError", "Set the remote description before you add a candidate.")
            if not text:
                await self._pc.addIceCandidate(None)
                return {}
            try:
                parsed = candidate_from_sdp(text.removeprefix("candidate:"))
            except (AssertionError, ValueError, IndexError):
                raise PeerFailure("OperationError", "The candidate cannot be parsed.") from None
            parsed.sdpMid, parsed.sdpMLineIndex = mid, index
            await self._pc.addIceCandidate(parsed)
        return {}

    async def restart_ice(self) -> Result:  # noqa: D102
        self._refuse("restart ICE")

    async def get_configuration(self) -> Result:  # noqa: D102
        self._refuse("return its configuration")

    async def set_configuration(self, configuration: Json) -> Result:  # noqa: D102
        self._refuse("change its configuration")

    async def add_track(self, media: Json) -> Result:  # noqa: D102
        self._require_state("add a track", None)
        sender = self._pc.addTrack(await self._open_track(media))
        [transceiver] = [each for each in self._pc.getTransceivers() if each.sender is sender]
        self._need_negotiation()
        return {"sender": self._handle("sender", sender), "transceiver": self._handle("transceiver", transceiver)}

    async def remove_track(self, sender: str) -> Result:  # noqa: D102
        self._refuse("remove a track", "Use replace_track(None).")

    async def replace_track(self, sender: str, media: Json | None = None) -> Result:  # noqa: D102
        found = self._handles.get("sender", sender)
        self._require_state("replace a track", None)
        before = found.track
        found.replaceTrack(None if media is None else await self._open_track(media))
        if before is not None:
            before.stop()
        return {}

    async def set_track_enabled(self, track: str, enabled: bool) -> Result:  # noqa: D102
        found = self._handles.get("track", track)
        if not isinstance(found, SourceTrack):
            self._refuse("disable a track that it receives")
        found.enabled = enabled
        return {}

    async def add_transceiver(  # noqa: D102
        self, kind: str, direction: str = "sendrecv", media: Json | None = None
    ) -> Result:
        self._require_state("add a transceiver", None)
        if kind not in ("audio", "video"):
            raise PeerFailure("TypeError", f"kind must be 'audio' or 'video', got {kind!r}.")
        require_direction(direction)
        track = None if media is None else await self._open_track(media)
        transceiver = self._pc.addTransceiver(track or kind, direction=direction)
        self._need_negotiation()
        return {"transceiver": self._handle("transceiver", transceiver)}

    async def set_direction(self, transceiver: str, direction: str) -> Result:  # noqa: D102
        found = self._handles.get("transceiver", transceiver)
        require_direction(direction)
        if found.direction != direction:
            found.direction = direction
            self._need_negotiation()
        return {}

    async def set_codec_preferences(self, transceiver: str, codecs: list[Json]) -> Result:  # noqa: D102
        preferred = [
            RTCRtpCodecCapability(
                mimeType=codec["mimeType"], clockRate=codec["clockRate"], channels=codec.get("channels")
            )
            for codec in codecs
        ]
        try:
            self._handles.get("transceiver", transceiver).setCodecPreferences(preferred)
        except ValueError as error:
            raise PeerFailure("InvalidModificationError", str(error)) from None
        return {}

    async def stop_transceiver(self, transceiver: str) -> Result:  # noqa: D102
        self._refuse("stop a transceiver", "Set its direction to 'inactive'.")

    async def get_capabilities(self, side: str, kind: str) -> Result:  # noqa: D102
        self._refuse("return capabilities")

    async def get_parameters(self, sender: str) -> Result:  # noqa: D102
        self._refuse("return the parameters of a sender")

    async def set_parameters(self, sender: str, parameters: Json) -> Result:  # noqa: D102
        self._refuse("change the parameters of a sender")

    async def set_jitter_buffer_target(self, receiver: str, milliseconds: float | None = None) -> Result:  # noqa: D102
        self._refuse("change its jitter buffer")

    async def create_data_channel(self, label: str, options: Json | None = None) -> Result:  # noqa: D102
        self._require_state("create a data channel", None)
        given = dict(options or {})
        negotiated, id = bool(given.get("negotiated")), given.get("id")
        life_time, retransmits = given.get("max_packet_life_time"), given.get("max_retransmits")
        if life_time is not None and retransmits is not None:
            raise PeerFailure("TypeError", "max_packet_life_time and max_retransmits must not both be set.")
        if negotiated and (not isinstance(id, int) or not 0 <= id <= 65534):
            raise PeerFailure("TypeError", f"A negotiated channel must have an id from 0 to 65534, got {id!r}.")
        is_first = self._pc.sctp is None
        channel = self._pc.createDataChannel(
            label,
            maxPacketLifeTime=life_time,
            maxRetransmits=retransmits,
            ordered=given.get("ordered", True),
            protocol=given.get("protocol", ""),
            negotiated=negotiated,
            id=id if negotiated else None,
        )
        if is_first:
            self._need_negotiation()
        return {"channel": self._handle("channel", channel)}

    async def send(self, channel: str, text: str | None = None, base64: str | None = None) -> Result:  # noqa: D102
        found = self._handles.get("channel", channel)
        if self._states.is_closed or found.readyState != "open":
            state = "closed" if self._states.is_closed else found.readyState
            raise PeerFailure("InvalidStateError", f"The channel must be open, it is {state}.")
        found.send(b64decode(base64) if base64 is not None else (text or ""))
        return {}

    async def close_channel(self, channel: str) -> Result:  # noqa: D102
        self._handles.get("channel", channel).close()
        return {}

    async def set_buffered_amount_low_threshold(self, channel: str, bytes: int) -> Result:  # noqa: D102
        self._handles.get("channel", channel).bufferedAmountLowThreshold = bytes
        return {}

    async def get_stats(self, of: str | None = None) -> Result:  # noqa: D102
        level = max((track.level for track in self._own_tracks), default=0.0)
        reports = await stats_reports(self._pc, user_level=level, assistant_level=self._level)
        if of is not None:
            side = kind_of(of)
            if side not in ("sender", "receiver"):
                raise PeerFailure("TypeError", f"of must be a sender or a receiver, got {of!r}.")
            own = (await self._handles.get(side, of).getStats()).keys()
            reports = [report for report in reports if report["id"] in own]
        return {"reports": reports}

    async def pairs(self) -> list[Pair]:
        """Return the candidate pairs now; aiortc counts no checks and measures no round trip."""
        transceivers, sctp = self._pc.getTransceivers(), self._pc.sctp
        transports = {each.receiver.transport.transport for each in transceivers}
        if sctp is not None:
            transports.add(sctp.transport.transport)
        return [pair for transport in transports for pair in transport_pairs(transport)]

    # Checks

    def _refuse(self, what: str, instead: str = "Use page='browser' or a peer on wrtc (extra 'teach').") -> NoReturn:
        raise PeerFailure("NotSupportedError", f"A peer on aiortc cannot {what}. {instead}")

    def _require_state(self, what: str, states: tuple[str, ...] | None) -> None:
        state = "closed" if self._states.is_closed else self._pc.signalingState
        if state == "closed" or (states is not None and state not in states):
            raise PeerFailure("InvalidStateError", f"Cannot {what} in the signaling state '{state}'.")

    def _require_description(self, side: str, kind: object, states: dict[str, tuple[str, ...]]) -> None:
        if kind == "rollback":
            self._refuse("roll back an offer", "Make a new peer, or use one on wrtc (extra 'teach').")
        if kind == "pranswer":
            self._refuse("use a provisional answer")
        if not isinstance(kind, str) or kind not in states:
            raise PeerFailure("TypeError", f"type must be 'offer' or 'answer', got {kind!r}.")
        if side == "remote" and kind == "offer" and self._states.signaling_state == "have-local-offer":
            self._refuse("roll back its own offer for another one", "Answer only one of two offers that cross.")
        self._require_state(f"set the {side} {kind}", states[kind])

    def _need_negotiation(self) -> None:
        """Report, soon, that an offer is needed (WebRTC, section 4.7.3); aiortc does not."""
        asyncio.get_running_loop().call_soon(self._report_negotiation)

    def _report_negotiation(self) -> None:
        if self._needs_negotiation or self._states.is_closed or self._states.signaling_state != "stable":
            return
        self._needs_negotiation = True
        self._notify("pc", "negotiationneeded", None)

    async def _open_track(self, media: Json) -> SourceTrack:
        track = SourceTrack(await audio_source(media, self._fetch_clip, self._is_connected))
        self._own_tracks.append(track)
        return track
