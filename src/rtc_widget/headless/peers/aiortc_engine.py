"""A peer on aiortc, in W3C words. What aiortc lacks is refused; its network can be broken on purpose."""

from __future__ import annotations

import asyncio
from typing import cast

from aiortc import RTCSessionDescription
from aiortc.rtcrtpparameters import RTCRtpCodecCapability
from aiortc.sdp import candidate_from_sdp

from rtc_widget.headless.peers.aiortc_attributes import (
    transport_pairs,
)
from rtc_widget.headless.peers.aiortc_audio import SourceTrack
from rtc_widget.headless.peers.aiortc_configuration import require_direction
from rtc_widget.headless.peers.aiortc_objects import AiortcObjects
from rtc_widget.headless.peers.aiortc_states import description_of
from rtc_widget.headless.peers.engine import Json, Result, message_content
from rtc_widget.headless.peers.errors import PeerFailure
from rtc_widget.headless.peers.pairs import Pair
from rtc_widget.headless.peers.sources import audio_source
from rtc_widget.headless.stats import stats_reports
from rtc_widget.sdp.description import SessionDescription

_LOCAL_STATES = {"offer": ("stable", "have-local-offer"), "answer": ("have-remote-offer",)}
_REMOTE_STATES = {"offer": ("stable", "have-remote-offer"), "answer": ("have-local-offer",)}


class AiortcEngine(AiortcObjects):
    """A peer on aiortc; see `PeerEngine`."""

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

    async def add_track(self, media: Json) -> Result:  # noqa: D102
        self._require_state("add a track", None)
        sender = self._pc.addTrack(await self._open_track(media))
        [transceiver] = [each for each in self._pc.getTransceivers() if each.sender is sender]
        self._need_negotiation()
        return {"sender": self._handle("sender", sender), "transceiver": self._handle("transceiver", transceiver)}

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
        found.send(message_content(text, base64))
        return {}

    async def set_buffered_amount_low_threshold(self, channel: str, bytes: int) -> Result:  # noqa: D102
        self._handles.get("channel", channel).bufferedAmountLowThreshold = bytes
        return {}

    async def get_stats(self, of: str | None = None) -> Result:  # noqa: D102
        level = max((track.level for track in self._own_tracks), default=0.0)
        reports = await stats_reports(self._pc, user_level=level, assistant_level=self._level)
        measured = self._measured(of)
        if measured is not None:
            own = (await measured.getStats()).keys()
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
