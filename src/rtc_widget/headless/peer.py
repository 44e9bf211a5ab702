"""The page's end of one connection: an aiortc ``RTCPeerConnection`` with one audio track and one data channel."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCIceServer,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from rtc_widget._aiortc.audio_buffer import use_audio_buffer
from rtc_widget._aiortc.connection import Connection, offer_loopback_when_alone
from rtc_widget._aiortc.stats import packets_received
from rtc_widget.errors import InvalidAnswer, SendQueueFull
from rtc_widget.errors.texts import text
from rtc_widget.headless.errors import channel_timeout, not_connected

CHANNEL_SECONDS = 15.0
SILENT_SECONDS = 5.0
"""After so long without a packet the connection counts as disconnected; aiortc itself needs half a minute."""
SAMPLE_SECONDS = 1.0
LOW_BYTES = 65_536
"""A channel that holds more takes no further events, so that those after a flood do not wait for minutes."""
STUCK_SECONDS = 8.0
"""How long the channel may hold that much while nothing leaves it; the widget waits 10 s for a confirmation."""
STUCK_SAMPLES = 8
"""How often it is looked at meanwhile; counted, since a process that was stopped has seen nothing."""
DEFAULT_MAX_MESSAGE_BYTES = 65_536
"""The limit of a peer without a ``max-message-size`` attribute (RFC 8841, section 6.1)."""


@dataclass(frozen=True, slots=True)
class PeerStates:
    """The states of a connection and its data channel, as W3C strings."""

    connection_state: str
    ice_connection_state: str
    ice_gathering_state: str
    signaling_state: str
    data_channel_state: str
    max_message_size: int | None


class PeerListener(Protocol):
    """Receives the events of a peer until it is closed."""

    def states_changed(self, states: PeerStates) -> None:
        """One of the states has changed."""

    def message_received(self, text: str) -> None:
        """A message was received on the data channel."""

    def audio_received(self, frame: AudioFrame) -> None:
        """Audio of the other side was received."""


class Peer:
    """One connection.

    Parameters
    ----------
    label : str or None
        The label of the data channel; None: the connection has none.
    ice_servers : list of mapping
        W3C ``RTCIceServer`` dictionaries.
    track : MediaStreamTrack
        The audio to send.
    listener : PeerListener
        Receives the events.
    """

    def __init__(
        self,
        label: str | None,
        ice_servers: list[Mapping[str, Any]],
        track: MediaStreamTrack,
        listener: PeerListener,
    ) -> None:
        offer_loopback_when_alone()
        # Set even if empty: by default aiortc uses a public STUN server.
        servers = [
            RTCIceServer(server["urls"], server.get("username"), server.get("credential")) for server in ice_servers
        ]
        self._connection = Connection(RTCConfiguration(iceServers=servers))
        self._connection.addTransceiver(track, direction="sendrecv")
        self._channel = None if label is None else self._connection.createDataChannel(label)
        self._listener = listener
        self._track = track
        self._is_silent = False
        self._is_closed = False
        self._opened = asyncio.Event()
        self._has_room = asyncio.Event()
        # The fewest bytes that the channel has held since it was full, and how often no fewer were found.
        self._held_bytes = math.inf
        self._samples_held = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.has_connected = False
        self.has_opened = False
        for part in ("connection", "iceconnection", "icegathering", "signaling"):
            self._connection.on(f"{part}statechange", self._report_states)
        if self._channel is not None:
            for change in ("open", "close"):
                self._channel.on(change, self._report_states)
            self._channel.bufferedAmountLowThreshold = LOW_BYTES
            for change in ("bufferedamountlow", "close"):
                self._channel.on(change, self._report_room)
            self._channel.on("message", self._receive_message)
        self._connection.on("track", self._receive_track)

    @property
    def connection(self) -> Connection:
        """The aiortc connection."""
        return self._connection

    @property
    def states(self) -> PeerStates:
        """The current states. aiortc has no ``disconnected``: here it means that no packets arrive."""
        connection, ice = self._connection.connectionState, self._connection.iceConnectionState
        if self._is_silent and connection == "connected":
            connection = ice = "disconnected"
        if self._connection.consent_expired:
            connection = ice = "failed"  # aiortc says closed, as if the peer had closed it
        return PeerStates(
            connection,
            ice,
            self._connection.iceGatheringState,
            self._connection.signalingState,
            self._channel_state,
            self.max_message_size,
        )

    @property
    def _channel_state(self) -> str:
        return "closed" if self._channel is None else self._channel.readyState

    @property
    def is_open(self) -> bool:
        """Whether events can be sent, or audio where there are no events."""
        if self._channel is None:
            return self.states.connection_state == "connected"
        return self._channel.readyState == "open"

    @property
    def local_sdp(self) -> str:
        """The unchanged offer, or an empty string."""
        description = self._connection.localDescription
        return description.sdp if description else ""

    @property
    def remote_sdp(self) -> str:
        """The unchanged answer, or an empty string."""
        description = self._connection.remoteDescription
        return description.sdp if description else ""

    @property
    def max_message_size(self) -> int | None:
        """The largest message in bytes (RFC 8841); None without an open channel or without a limit."""
        stated = re.search(r"^a=max-message-size:(\d+)", self.remote_sdp, re.MULTILINE)
        if self._channel_state != "open":
            return None
        return DEFAULT_MAX_MESSAGE_BYTES if stated is None else int(stated[1]) or None

    @property
    def buffered_bytes(self) -> int:
        """How much the data channel holds that has not left."""
        return 0 if self._channel is None else int(self._channel.bufferedAmount)

    @property
    def tried_pairs(self) -> list[dict[str, object]]:
        """The candidate pairs that ICE tried, also after the end; aiortc has no public API for them."""
        transports = {transceiver.sender.transport.transport for transceiver in self._connection.getTransceivers()}
        return [
            {
                "local": f"{pair.local_candidate.type} {pair.local_candidate.host}:{pair.local_candidate.port}",
                "remote": f"{pair.remote_candidate.type} {pair.remote_candidate.host}:{pair.remote_candidate.port}",
                "protocol": pair.local_candidate.transport.lower(),
                "state": pair.state.name.lower().replace("_", "-"),
                "selected": pair.nominated,
            }
            for transport in transports
            for pair in transport._connection._check_list
        ]

    async def offer(self) -> str:
        """Create the offer and return it with all its candidates."""
        await self._connection.setLocalDescription(await self._connection.createOffer())
        return self.local_sdp

    async def accept(self, sdp: str) -> None:
        """Apply the server's answer.

        Raises
        ------
        InvalidAnswer
            If aiortc rejects it.
        """
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        except Exception as error:  # noqa: BLE001 - aiortc's parser may raise anything
            raise InvalidAnswer(
                f"aiortc does not accept the server's answer: {type(error).__name__}: {error}",
                hint="Check that the server supports WebRTC and answered this offer.",
            ) from None

    async def opened(self) -> None:
        """Wait until the data channel is open, or the connection is established where there is none."""
        try:
            async with asyncio.timeout(CHANNEL_SECONDS):
                await self._opened.wait()
        except TimeoutError:
            raise channel_timeout(CHANNEL_SECONDS) from None
        self._run(self._watch_silence())

    async def until_room(self) -> None:
        """Wait until the channel holds at most `LOW_BYTES`, or is closed.

        Raises
        ------
        SendQueueFull
            If nothing has left for `STUCK_SECONDS`.
        """
        while self._channel_state == "open" and self.buffered_bytes > LOW_BYTES and not self._is_closed:
            if self.buffered_bytes < self._held_bytes:
                self._held_bytes, self._samples_held = self.buffered_bytes, 0
            if self._samples_held >= STUCK_SAMPLES:
                waiting = self.buffered_bytes
                raise SendQueueFull(text("channel_stuck", waiting=waiting, seconds=f"{STUCK_SECONDS:g}"))
            self._has_room.clear()
            try:
                async with asyncio.timeout(STUCK_SECONDS / STUCK_SAMPLES):
                    await self._has_room.wait()
            except TimeoutError:
                self._samples_held += 1

    def _report_room(self) -> None:
        self._held_bytes = math.inf
        self._has_room.set()

    def send(self, message: str) -> None:
        """Send a text; the caller checks its size."""
        if self._channel is None or self._channel.readyState != "open":
            raise not_connected()
        self._held_bytes = math.inf
        self._channel.send(message)

    async def close(self) -> None:
        """Close channel and connection; the listener receives nothing more."""
        self._is_closed = True
        self._report_room()
        self._connection.remove_all_listeners()
        if self._channel is not None:
            self._channel.remove_all_listeners()
        self._track.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._connection.close()

    def _report_states(self) -> None:
        self.has_connected |= self._connection.iceConnectionState == "completed"
        if self.is_open:
            self.has_opened = True
            self._opened.set()
        self._listener.states_changed(self.states)

    def _receive_message(self, data: str | bytes) -> None:
        # A binary message becomes an event with its size, so that it shows in the log.
        message = data if isinstance(data, str) else json.dumps({"type": "rtc_widget.binary", "bytes": len(data)})
        self._listener.message_received(message)

    def _receive_track(self, track: MediaStreamTrack) -> None:
        for receiver in self._connection.getReceivers():
            if receiver.track is track:
                use_audio_buffer(receiver)
        self._run(self._receive_audio(track))

    async def _receive_audio(self, track: MediaStreamTrack) -> None:
        # Always: frames that are not read would collect.
        try:
            while True:
                frame = await track.recv()
                if isinstance(frame, AudioFrame):
                    self._listener.audio_received(frame)
        except MediaStreamError:
            return

    async def _watch_silence(self) -> None:
        loop = asyncio.get_running_loop()
        count, since = -1, loop.time()
        while True:
            await asyncio.sleep(min(SAMPLE_SECONDS, SILENT_SECONDS / 4))
            now = await packets_received(self._connection)
            if now != count:
                count, since = now, loop.time()
            is_silent = loop.time() - since >= SILENT_SECONDS
            if is_silent != self._is_silent:
                self._is_silent = is_silent
                self._report_states()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        if self._is_closed:
            work.close()  # the channel opened while the call was being cancelled
            return
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
