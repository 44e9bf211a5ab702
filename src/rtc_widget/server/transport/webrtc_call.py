"""One WebRTC call (RFC 8825): its connection, its data channel, and the audio in both directions."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AsyncExitStack

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCSessionDescription,
)

from rtc_widget._aiortc.audio_buffer import use_audio_buffer
from rtc_widget._aiortc.connection import Connection
from rtc_widget._aiortc.input_track import Late, input_samples
from rtc_widget._aiortc.network import Network
from rtc_widget._aiortc.output_track import VoiceTrack
from rtc_widget._aiortc.stats import CallStatistics, packets_received, statistics_of
from rtc_widget.server.errors import ApiError
from rtc_widget.server.speech import INPUT_RATE
from rtc_widget.server.speech.engines import Engines
from rtc_widget.server.tasks import Tasks, kind_and_place
from rtc_widget.server.transport.sdp_offer import validate_offer
from rtc_widget.server.transport.session_engine import CallParts, EndReason, MakeEngine

log = logging.getLogger(__name__)

CONNECT_SECONDS = 30.0
"""A call ends if its peer has not connected by then."""

CLOSE_SECONDS = 5.0

LAST_EVENT_SECONDS = 0.3
"""The time that the last event of a session has to reach the client before the connection closes."""

MAX_BUFFERED_BYTES = 16 * 1024 * 1024
"""Limit on the bytes that wait on the data channel. The call of a client that falls behind by so many ends."""

SILENCE_CHECK_SECONDS = 3.0


class WebRtcCall:
    """A call: `answer` an offer, `end` the call. It also ends when its connection ends.

    Parameters
    ----------
    call_id : str
        The id of the call.
    expires_at : float
        When the call ends at the latest, in seconds since 1970.
    make_engine : callable
        Makes the session of the call.
    engines : Engines
        The speech engines.
    on_ended : callable
        Called once with the call when it has ended.
    silent_seconds : float
        The call ends after so many seconds without a packet from its peer.

    Attributes
    ----------
    id : str
        The id of the call, ``rtc_…`` or ``live_…``.
    engine : SessionEngine
        The session of the call.
    ended : asyncio.Event
        Set when the call has ended.
    """

    def __init__(
        self,
        call_id: str,
        expires_at: float,
        make_engine: MakeEngine,
        *,
        engines: Engines,
        on_ended: Callable[[WebRtcCall], None],
        silent_seconds: float = 30.0,
    ) -> None:
        self.id = call_id
        self.ended = asyncio.Event()
        self._silent_seconds = silent_seconds
        self._expires_at = expires_at
        self._engines = engines
        self._resources = AsyncExitStack()
        self._on_ended = on_ended
        # Without this empty list aiortc would use the STUN server of Google.
        self._connection = Connection(RTCConfiguration(iceServers=[]))
        self._channel: RTCDataChannel | None = None
        self._has_input = False
        self._voice = VoiceTrack()
        self.engine = make_engine(CallParts(self._send, self._voice, self._statistics, self._end_after_events))
        self._began = time.monotonic()
        self._tasks = Tasks(f"call {self.id}")
        self._ending: asyncio.Task[None] | None = None
        self._connection.on("datachannel", self._on_datachannel)
        self._connection.on("track", self._on_track)
        self._connection.on("connectionstatechange", self._on_connection_state)

    @property
    def network(self) -> Network:
        """The network of the call as this server sees it."""
        return self._connection.network

    async def answer(self, offer: str, *, channel_id: int | None = None) -> str:
        """Return the SDP answer to `offer`, including all candidates (RFC 9429).

        `channel_id` is the number of the data channel, if the client negotiates it by itself (RFC 8832, section 6).

        Raises
        ------
        ApiError
            When the offer is invalid; the call has then ended.
        """
        try:
            validate_offer(offer)
            await self._connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            self._reject_other_media()
            self._connection.addTrack(self._voice)
            if channel_id is not None:
                self._negotiate(channel_id)
            answer = await self._connection.createAnswer()
            if answer is None:
                raise ApiError("The call ended before it was answered.", "invalid_offer", param="sdp")
            await self._connection.setLocalDescription(answer)
            if "a=candidate:" not in self._connection.localDescription.sdp:
                message = "This server has no free UDP port. Try again later."
                raise ApiError(message, "rate_limit_exceeded", status=429, kind="rate_limit_error")
        except ApiError:
            await self.end()
            raise
        except Exception as error:  # noqa: BLE001 - aiortc's parser may raise anything
            log.info("invalid offer: %r", error)
            await self.end()
            message = "Invalid SDP offer. Please try again with a WHIP-compliant offer."
            raise ApiError(message, "invalid_offer", param="sdp") from None
        except BaseException:
            # Cancelled: nobody gets the answer, and no timer would end the call.
            self._end_soon()
            raise
        self._tasks.run(self._end_unless_connected())
        self._tasks.run(self._end_when_expired())
        self._tasks.run(self._end_when_silent())
        return self._connection.localDescription.sdp

    def _reject_other_media(self) -> None:
        """Use the first audio section; two voices in one input would be one unintelligible voice."""
        transceivers = self._connection.getTransceivers()
        first = next(transceiver for transceiver in transceivers if transceiver.kind == "audio")
        for transceiver in transceivers:
            if transceiver is not first:
                transceiver.direction = "inactive"

    def _negotiate(self, channel_id: int) -> None:
        channel = self._connection.createDataChannel("oai-events", negotiated=True, id=channel_id)
        channel.on("open", lambda: self._on_datachannel(channel))

    async def end(self) -> None:
        """Close the connection and stop the tasks of the call. Ending it again does nothing."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end("close_requested"))
        await asyncio.shield(self._ending)

    async def _end(self, reason: EndReason) -> None:
        try:
            if self.engine.close(reason):
                await asyncio.sleep(LAST_EVENT_SECONDS)
            # In reverse order. Each step runs even if another fails: a call that is not removed would take its place
            # until the server restarts.
            async with AsyncExitStack() as steps:
                steps.callback(self._on_ended, self)
                steps.callback(self.ended.set)
                steps.push_async_callback(self._close_connection)
                steps.callback(self._voice.stop)
                steps.push_async_callback(self._resources.aclose)
                steps.push_async_callback(self.engine.end)
                steps.push_async_callback(self._tasks.end)
        except Exception as error:  # noqa: BLE001 - aiortc may raise anything
            log.warning("call %s did not end cleanly: %s", self.id, kind_and_place(error))
        log.info("call %s ended", self.id)

    async def _close_connection(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._connection.close()
        except TimeoutError:
            log.warning("call %s: the connection did not close in time", self.id)

    # The data channel

    def _on_datachannel(self, channel: RTCDataChannel) -> None:
        if self._channel is not None:
            return  # the first channel carries the events, whatever its label, as with OpenAI
        self._channel = channel
        channel.on("message", self.engine.receive)
        self.engine.begin()

    def _send(self, message: str) -> None:
        if self._channel is None or self._channel.readyState != "open":
            return  # the client is gone; the call is about to end
        if self._channel.bufferedAmount > MAX_BUFFERED_BYTES:
            log.warning("call %s: the client does not receive its events", self.id)
            self._end_soon()
            return
        try:
            self._channel.send(message)
        except ValueError:
            log.warning("call %s: an event of %d characters is too large for the client", self.id, len(message))
            self.engine.fail("An event was not sent because it was too large for the data channel.", "event_too_large")

    # Audio

    def _on_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio" and not self._has_input:
            self._has_input = True
            for receiver in self._connection.getReceivers():
                if receiver.track is track:
                    use_audio_buffer(receiver)
            self._tasks.run(self._listen(track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        # Until the engine has ended: a second client may append audio until then.
        self.engine.listen(await self._resources.enter_async_context(self._engines.voice_detector()))
        async for samples in input_samples(track, INPUT_RATE):
            # Ignore audio before the session begins.
            if self._channel is None:
                continue
            if isinstance(samples, Late):
                self.engine.audio_is_late(samples.seconds)
            else:
                self.engine.receive_audio(samples)

    # The connection

    async def _statistics(self) -> CallStatistics:
        return await statistics_of(self._connection, time.monotonic() - self._began)

    def _on_connection_state(self) -> None:
        state = self._connection.connectionState
        log.info("call %s: connection %s", self.id, state)
        if state in ("failed", "closed"):
            self._end_soon("connection_lost" if state == "failed" else "remote_hangup")

    async def _end_unless_connected(self) -> None:
        await asyncio.sleep(CONNECT_SECONDS)
        if self._connection.connectionState != "connected":
            log.info("call %s: the peer did not connect", self.id)
            self._end_soon()

    async def _end_when_expired(self) -> None:
        await asyncio.sleep(max(0.0, self._expires_at - time.time()))
        await self.expire()

    async def expire(self) -> None:
        """Tell the client that the session has reached its end, and end the call."""
        self.engine.expire()
        await asyncio.sleep(1)  # let the event reach the client
        self._end_soon()

    def _end_after_events(self) -> None:
        self._tasks.run(self._end_after(1))

    async def _end_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._end_soon()

    async def _end_when_silent(self) -> None:
        # ICE detects a lost peer too, but a relay or a frozen browser may continue to answer its checks.
        received, since = 0, time.monotonic()
        while time.monotonic() - since < self._silent_seconds:
            await asyncio.sleep(min(SILENCE_CHECK_SECONDS, self._silent_seconds / 4))
            now = await packets_received(self._connection)
            if now != received:
                received, since = now, time.monotonic()
        log.info("call %s: no packet for %.0f s", self.id, self._silent_seconds)
        self._end_soon("connection_lost")

    def _end_soon(self, reason: EndReason = "close_requested") -> None:
        # Not awaited: ending cancels the task that calls this.
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(reason))
