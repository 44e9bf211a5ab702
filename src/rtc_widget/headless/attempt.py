"""One try at a call, from the first wish to the open data channel, and everything it has opened on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from av import AudioFrame

from rtc_widget.errors import ChannelTimeout, ExchangeRefused, RtcWidgetError, ServerUnreachable
from rtc_widget.headless.bridge import PageBridge
from rtc_widget.headless.microphone import MicrophoneTrack, fetch_clip
from rtc_widget.headless.peer import Peer, PeerListener
from rtc_widget.signaling.base import Answer

PREPARE_SECONDS = 90.0
"""A local server may be loading its models; the kernel says meanwhile what it waits for."""
EXCHANGE_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class AttemptOptions:
    """What an attempt is to be.

    Attributes
    ----------
    microphone : bool
        False: text and listening only, unless a clip is said.
    clip : str or None
        The id of the clip that the microphone hears.
    direct_exchange : bool
        Whether the page sends the offer itself.
    """

    microphone: bool
    clip: str | None
    direct_exchange: bool


class AttemptListener(PeerListener, Protocol):
    """Told what happens to the attempt's connection and microphone."""

    def is_muted(self) -> bool:
        """Whether what is said is silence."""
        ...

    def audio_sent(self, frame: AudioFrame) -> None:
        """Something was said, be it silence."""


class Attempt:
    """Lives until `end`; everything it opened ends with it.

    Parameters
    ----------
    bridge : PageBridge
        The way to the kernel.
    listener : AttemptListener
        Told what happens.
    options : AttemptOptions
        What it is to be.
    run : callable
        Runs what may outlive the attempt: the closing of its connection, and an exchange that is under way.
    """

    def __init__(
        self,
        bridge: PageBridge,
        listener: AttemptListener,
        options: AttemptOptions,
        run: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        # Unique over all pages: the kernel knows calls by it.
        self.id = f"a{uuid4().hex[:20]}"
        self._bridge = bridge
        self._listener = listener
        self._options = options
        self._run = run
        self._making: asyncio.Task[None] | None = None
        self._has_asked_server = False
        self._is_over = False
        self.track: MicrophoneTrack | None = None
        self.peer: Peer | None = None
        self.session_end: RtcWidgetError | None = None
        self.is_prepared = False
        self.is_answered = False

    @property
    def has_microphone(self) -> bool:
        """Whether it speaks."""
        return self._options.microphone

    def begin(self, limit: float | None, done: Callable[[BaseException | None], None]) -> None:
        """Make the call; `done` is told, unless the attempt is ended first."""
        self._making = asyncio.create_task(self._make_within(limit))

        def report(making: asyncio.Task[None]) -> None:
            if not making.cancelled() and not self._is_over:
                done(making.exception())
            elif not making.cancelled():
                making.exception()  # it has ended in another way; nobody waits for this one

        self._making.add_done_callback(report)

    def end(self) -> None:
        """End it: the connection, the microphone, the call on the server. Harmless to repeat."""
        if self._is_over:
            return
        self._is_over = True
        if self._making is not None:
            self._making.cancel()
        if self.peer is not None:
            self._run(self.peer.close())
        if self._has_asked_server:
            self._hang_up()

    async def _make_within(self, limit: float | None) -> None:
        try:
            async with asyncio.timeout(limit):
                await self._make()
        except TimeoutError:
            if limit is None:
                raise
            raise ChannelTimeout(f"No connection within {limit:g} s.") from None

    async def _make(self) -> None:
        clip = None if self._options.clip is None else await fetch_clip(self._bridge, self._options.clip)
        prepared = await self._bridge.request("prepare", limit=PREPARE_SECONDS, attempt=self.id)
        self.is_prepared = True
        # Silence, where there is no microphone: a clip may be said all the same.
        self.track = MicrophoneTrack(self._listener.is_muted, self._listener.audio_sent)
        self.peer = Peer(prepared["data_channel_label"], prepared["ice_servers"], self.track, self._listener)
        self._listener.states_changed(self.peer.states)
        offer = await self.peer.offer()
        self._require_wanted()
        answer = await self._exchange(offer)
        self._require_wanted()
        self.is_answered = True
        await self.peer.accept(answer)
        self._require_wanted()
        await self.peer.opened()
        if clip is not None:
            self.track.play_input(clip)

    def _require_wanted(self) -> None:
        # A cancellation may be lost in the libraries below, and what they were about to do would go on.
        if self._is_over:
            raise asyncio.CancelledError

    async def _exchange(self, offer: str) -> str:
        self._has_asked_server = True
        if self._options.direct_exchange:
            return await self._direct_exchange(offer)
        answer = await self._bridge.request(
            "exchange",
            limit=EXCHANGE_SECONDS,
            # One that comes too late means a call on the server that nobody holds.
            on_late_reply=self._hang_up,
            attempt=self.id,
            sdp=offer,
        )
        return str(answer["sdp"])

    async def _direct_exchange(self, offer: str) -> str:
        key = await self._bridge.request("create_client_secret", limit=EXCHANGE_SECONDS, attempt=self.id)
        answer_received: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        # Not cancelled with the attempt: the server may have made the call by then, and only the answer tells its id.
        self._run(self._post(key["url"], key["secret"], offer, answer_received))
        return await answer_received

    async def _post(self, url: str, secret: str, offer: str, answer_received: asyncio.Future[str]) -> None:
        try:
            answer = await post_offer(url, secret, offer, EXCHANGE_SECONDS)
        except Exception as error:  # noqa: BLE001 - whoever waits for the answer hears of it, whatever it is
            if not answer_received.done():
                answer_received.set_exception(error)
            return
        # The kernel hangs up by the id, with its own key; at once where the attempt is over.
        self._bridge.send("exchanged", attempt=self.id, call_id=answer.call_id)
        if not answer_received.done():
            answer_received.set_result(answer.sdp)

    def _hang_up(self) -> None:
        self._bridge.send("hang_up", attempt=self.id)


MAX_QUOTE_LENGTH = 300


async def post_offer(url: str, secret: str, offer: str, limit: float) -> Answer:
    """Post the offer and return the answer.

    Raises
    ------
    ExchangeRefused, ServerUnreachable
        As the browser's page does.
    """
    import httpx

    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/sdp", "Accept": "application/sdp"}
    try:
        async with httpx.AsyncClient(timeout=limit) as client:
            response = await client.post(url, content=offer.encode(), headers=headers)
    except httpx.HTTPError as error:
        raise ServerUnreachable(f"The page could not reach the server ({type(error).__name__}).") from None
    if not response.is_success:
        words = " ".join(response.text.replace(secret, "[secret]").split())[:MAX_QUOTE_LENGTH] or "no words"
        raise ExchangeRefused(
            f"The server answered {response.status_code}: {words}",
            hint="Check the session settings and the server's log, then connect again.",
        )
    path = urlsplit(response.headers.get("Location", "")).path
    return Answer(response.text, path.rstrip("/").rsplit("/", 1)[-1] or None)
