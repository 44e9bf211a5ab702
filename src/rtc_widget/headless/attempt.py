"""One attempt at a call, from the request to the open data channel, and everything that it opens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from av import AudioFrame

from rtc_widget._aiortc.output_track import pcm_of
from rtc_widget.errors import ChannelTimeout, ExchangeRefused, RtcWidgetError, ServerUnreachable
from rtc_widget.errors.texts import text
from rtc_widget.headless.bridge import PageBridge
from rtc_widget.headless.clip import fetch_clip
from rtc_widget.headless.microphone import MicrophoneTrack
from rtc_widget.headless.peer import Peer, PeerListener
from rtc_widget.signaling.base import Answer

PREPARE_SECONDS = 130.0
"""A local server may have to load its models; the kernel reports the progress."""
EXCHANGE_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class AttemptOptions:
    """The options of an attempt.

    Attributes
    ----------
    microphone : bool
        False: for writing and listening only, unless a clip is played.
    clip : str or None
        The id of the clip that replaces the microphone.
    direct_exchange : bool
        Whether the page sends the offer to the server itself.
    """

    microphone: bool
    clip: str | None
    direct_exchange: bool


class AttemptListener(PeerListener, Protocol):
    """Receives the events of an attempt's connection and microphone."""

    def is_muted(self) -> bool:
        """Whether the microphone is muted."""
        ...

    def audio_sent(self, frame: AudioFrame) -> None:
        """An audio frame was sent, perhaps silence."""


class Attempt:
    """An attempt at a call; `end` closes everything that it opened.

    Parameters
    ----------
    bridge : PageBridge
        Exchanges messages with the kernel.
    listener : AttemptListener
        Receives what happens.
    options : AttemptOptions
        How to make the call.
    run : callable
        Runs coroutines that may outlive the attempt: the closing of its connection, and an exchange in progress.
    """

    def __init__(
        self,
        bridge: PageBridge,
        listener: AttemptListener,
        options: AttemptOptions,
        run: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        # Unique over all pages: the kernel identifies calls by it.
        self.id = f"a{uuid4().hex[:20]}"
        self._bridge = bridge
        self._listener = listener
        self._options = options
        self._run = run
        self._connecting: asyncio.Task[None] | None = None
        self._has_exchanged = False
        self._has_ended = False
        self._ended = asyncio.Event()
        self.track: MicrophoneTrack | None = None
        self.peer: Peer | None = None
        self.session_end: RtcWidgetError | None = None
        self.is_session_over = False
        self.is_prepared = False
        self.is_answered = False
        self.has_channel = True
        self.first_messages: list[str] = []
        self._keep_alive: Mapping[str, Any] | None = None

    @property
    def has_microphone(self) -> bool:
        """Whether it has a microphone."""
        return self._options.microphone

    def begin(self, limit: float | None, done: Callable[[BaseException | None], None]) -> None:
        """Make the call; `done` is called with the error or None, unless the attempt ends first."""
        self._connecting = asyncio.create_task(self._connect_within(limit))

        def report(connecting: asyncio.Task[None]) -> None:
            if not connecting.cancelled() and not self._has_ended:
                done(connecting.exception())
            elif not connecting.cancelled():
                connecting.exception()  # the attempt has ended already; mark the exception as retrieved

        self._connecting.add_done_callback(report)

    def retire(self) -> None:
        """Send silence from now on, and play no clip; the connection stays until `end`."""
        if self.track is not None:
            self.track.retire()

    def end(self) -> None:
        """End it: the connection, the microphone, the call on the server. Harmless to repeat."""
        if self._has_ended:
            return
        self._has_ended = True
        self._ended.set()
        if self._connecting is not None:
            self._connecting.cancel()
        if self.peer is not None:
            self._run(self.peer.close())
        if self._has_exchanged:
            self._hang_up()

    async def _connect_within(self, limit: float | None) -> None:
        try:
            async with asyncio.timeout(limit):
                await self._connect()
        except TimeoutError:
            if limit is None:
                raise
            raise ChannelTimeout(text("not_connected_in_time", seconds=f"{limit:g}")) from None

    async def _connect(self) -> None:
        clip = None if self._options.clip is None else pcm_of(await fetch_clip(self._bridge, self._options.clip))
        prepared = await self._bridge.request("prepare", limit=PREPARE_SECONDS, attempt=self.id)
        self.is_prepared = True
        self.has_channel = prepared["data_channel_label"] is not None
        # Without a microphone the track is silent, but a clip may still be played.
        self.track = MicrophoneTrack(self._listener.is_muted, self._listener.audio_sent)
        self.peer = Peer(prepared["data_channel_label"], prepared["ice_servers"], self.track, self._listener)
        self._listener.states_changed(self.peer.states)
        offer = await self.peer.offer()
        self._require_active()
        answer = await self._exchange(offer)
        self._require_active()
        self.is_answered = True
        await self.peer.accept(answer)
        self._require_active()
        await self.peer.opened()
        if self._keep_alive is not None:
            self._run(self._repeat(self.peer, self._keep_alive))
        if clip is not None:
            self.track.play_input(clip)

    async def _repeat(self, peer: Peer, keep_alive: Mapping[str, Any]) -> None:
        """Repeat the server's keep-alive message until the end. It is not logged: it would push out the events."""
        while not self._has_ended:
            if peer.states.data_channel_state == "open":
                peer.send(keep_alive["message"])
            try:
                async with asyncio.timeout(keep_alive["seconds"]):
                    await self._ended.wait()
            except TimeoutError:
                continue

    def _require_active(self) -> None:
        # The libraries below may lose a cancellation and continue.
        if self._has_ended:
            raise asyncio.CancelledError

    async def _exchange(self, offer: str) -> str:
        self._has_exchanged = True
        if self._options.direct_exchange:
            return await self._direct_exchange(offer)
        answer = await self._bridge.request(
            "exchange",
            limit=EXCHANGE_SECONDS,
            # A late answer means a call on the server that this page does not use.
            on_late_reply=self._hang_up,
            attempt=self.id,
            sdp=offer,
            preparation=None,
        )
        self._take_messages(answer)
        return str(answer["sdp"])

    def _take_messages(self, reply: Mapping[str, Any]) -> None:
        self.first_messages = list(reply.get("first_messages", ()))
        self._keep_alive = reply.get("keep_alive")

    async def _direct_exchange(self, offer: str) -> str:
        created = await self._bridge.request("create_client_secret", limit=EXCHANGE_SECONDS, attempt=self.id)
        self._take_messages(created)
        answer_received: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        # Not cancelled with the attempt: the server may have made the call, and only the answer has its id.
        self._run(self._post(created["url"], created["secret"], offer, answer_received))
        return await answer_received

    async def _post(self, url: str, secret: str, offer: str, answer_received: asyncio.Future[str]) -> None:
        try:
            answer = await post_offer(url, secret, offer, EXCHANGE_SECONDS)
        except Exception as error:  # noqa: BLE001 - any exception goes to the waiting attempt
            if not answer_received.done():
                answer_received.set_exception(error)
            return
        # The kernel hangs up by this id with its own key, at once if the attempt has ended.
        self._bridge.send("exchanged", attempt=self.id, call_id=answer.call_id)
        if not answer_received.done():
            answer_received.set_result(answer.sdp)

    def _hang_up(self) -> None:
        self._bridge.send("hang_up", attempt=self.id)


MAX_QUOTE_LENGTH = 300


async def post_offer(url: str, secret: str, offer: str, limit: float) -> Answer:
    """Post the offer to the server and return its answer.

    Raises
    ------
    ExchangeRefused, ServerUnreachable
        In the same cases as the browser's page.
    """
    import httpx

    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/sdp", "Accept": "application/sdp"}
    try:
        async with httpx.AsyncClient(timeout=limit) as client:
            response = await client.post(url, content=offer.encode(), headers=headers)
    except httpx.HTTPError as error:
        raise ServerUnreachable(f"The page could not reach the server ({type(error).__name__}).") from None
    if not response.is_success:
        words = " ".join(response.text.replace(secret, "[secret]").split())[:MAX_QUOTE_LENGTH]
        raise ExchangeRefused(text("exchange_refused", status=response.status_code, body=words or text("empty_body")))
    path = urlsplit(response.headers.get("Location", "")).path
    return Answer(response.text, path.rstrip("/").rsplit("/", 1)[-1] or None)
