"""A peer on wrtc: libwebrtc, the engine of Chromium, with the W3C interface in Python."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import webrtc

from rtc_widget.headless.peers.engine import Json, Result, message_content
from rtc_widget.headless.peers.errors import PeerFailure
from rtc_widget.headless.peers.handles import kind_of
from rtc_widget.headless.peers.pairs import Pair, pairs_of
from rtc_widget.headless.peers.sources import audio_source
from rtc_widget.headless.peers.wrtc_audio import feed
from rtc_widget.headless.peers.wrtc_objects import WrtcObjects, configuration_of, plain


class WrtcEngine(WrtcObjects):
    """A peer on wrtc; see `PeerEngine`."""

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
                "ice_transport_policy": plain(configuration.ice_transport_policy),
                "bundle_policy": plain(configuration.bundle_policy),
            }
        }

    async def set_configuration(self, configuration: Json) -> Result:  # noqa: D102
        self._pc.set_configuration(configuration_of(configuration))
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
        found.send(message_content(text, base64))
        return {}

    async def set_buffered_amount_low_threshold(self, channel: str, bytes: int) -> Result:  # noqa: D102
        self._handles.get("channel", channel).buffered_amount_low_threshold = bytes
        return {}

    async def get_stats(self, of: str | None = None) -> Result:  # noqa: D102
        measured = self._measured(of)
        report = await (self._pc if measured is None else measured).get_stats()
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


def _required(description: Any) -> dict[str, str]:
    return {"type": plain(description.type), "sdp": description.sdp}
