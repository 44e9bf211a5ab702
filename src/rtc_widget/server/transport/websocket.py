"""Realtime sessions over a WebSocket (RFC 6455), with audio in events, and sideband connections to WebRTC calls."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from rtc_widget._aiortc.stats import CallStatistics
from rtc_widget.server.protocols.realtime.engine import RealtimeEngine
from rtc_widget.server.protocols.realtime.session_config import SessionConfig
from rtc_widget.server.responders.responder import Responder
from rtc_widget.server.speech.engines import Engines
from rtc_widget.server.transport.webrtc_call import WebRtcCall

log = logging.getLogger(__name__)

MAX_QUEUED = 5_000
"""Limit on queued messages. A client that falls behind by so many is disconnected."""

MAX_QUEUED_BYTES = 64 * 1024 * 1024
"""Limit on the bytes of queued messages: some events contain minutes of audio."""

CLOSE_SECONDS = 2.0

NORMAL, GOING_AWAY = 1000, 1001


class BufferedWebSocket:
    """A WebSocket with a queue, so that `send` does not wait.

    Parameters
    ----------
    websocket : WebSocket
        An accepted WebSocket.
    """

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue(MAX_QUEUED + 1)
        self._waiting_bytes = 0
        self._sending = asyncio.create_task(self._send_all())

    def send(self, message: str) -> None:
        """Queue `message`; disconnects a client that has fallen behind."""
        # Messages are JSON in ASCII, so that a character is a byte. A single one may be larger than the limit.
        is_full = self._waiting_bytes > 0 and self._waiting_bytes + len(message) > MAX_QUEUED_BYTES
        if self._waiting.qsize() < MAX_QUEUED and not is_full and not self._sending.done():
            self._waiting.put_nowait(message)
            self._waiting_bytes += len(message)
        else:
            self._sending.cancel()  # ends the session, see `received`

    async def received(self) -> str | bytes | None:
        """Return the next message, or None after the end of the connection."""
        receiving = asyncio.ensure_future(self._websocket.receive())
        await asyncio.wait({receiving, self._sending}, return_when=asyncio.FIRST_COMPLETED)
        if not receiving.done():
            receiving.cancel()
            return None
        message = receiving.result()
        if message["type"] == "websocket.disconnect":
            return None
        text, data = message.get("text"), message.get("bytes")
        return text if text is not None else data

    async def close(self, code: int) -> None:
        """Send the queued messages, within `CLOSE_SECONDS`, and close the WebSocket."""
        self._waiting.put_nowait(None)
        await asyncio.wait({self._sending}, timeout=CLOSE_SECONDS)
        self._sending.cancel()
        await asyncio.gather(self._sending, return_exceptions=True)
        if self._websocket.application_state is WebSocketState.CONNECTED and not self._is_gone():
            with suppress(WebSocketDisconnect, RuntimeError):  # the client has closed it at the same time
                await self._websocket.close(code)

    def _is_gone(self) -> bool:
        return self._websocket.client_state is WebSocketState.DISCONNECTED

    async def _send_all(self) -> None:
        try:
            while (message := await self._waiting.get()) is not None:
                await self._websocket.send_text(message)
                self._waiting_bytes -= len(message)
        except (WebSocketDisconnect, RuntimeError):
            return  # the client is gone; `received` returns None


class WebSocketCall:
    """One session over a WebSocket.

    Parameters
    ----------
    session : SessionConfig
        The session settings.
    engines, responder
        The speech engines, and what decides the responses.
    """

    def __init__(self, session: SessionConfig, *, engines: Engines, responder: Responder) -> None:
        self.id = session.id
        self._session = session
        self._engines = engines
        self._responder = responder
        self._running: asyncio.Task[None] | None = None
        self._code = NORMAL

    async def run(self, websocket: WebSocket) -> None:
        """Serve the client until it disconnects, the session expires, or `end` is called."""
        self._running = asyncio.current_task()
        began = time.monotonic()

        async def statistics() -> CallStatistics:
            return CallStatistics("WebSocket", seconds=time.monotonic() - began)

        socket = BufferedWebSocket(websocket)
        engine = RealtimeEngine(
            self._session, engines=self._engines, responder=self._responder, send=socket.send, statistics=statistics
        )
        try:
            engine.begin()
            async with self._engines.voice_detector() as detector:
                engine.listen(detector)
                async with asyncio.timeout(max(0.0, self._session.expires_at - time.time())):
                    while (message := await socket.received()) is not None:
                        await engine.take(message)
        except TimeoutError:
            engine.expire()
            self._code = GOING_AWAY
        finally:
            await asyncio.shield(self._close(engine, socket))

    async def _close(self, engine: RealtimeEngine, socket: BufferedWebSocket) -> None:
        try:
            await engine.end()
        finally:
            await socket.close(self._code)
            log.info("session %s ended", self.id)

    async def end(self) -> None:
        """End the session, when the server stops."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)


async def serve_sideband(call: WebRtcCall, websocket: WebSocket) -> None:
    """Send the events of `call` to a second client and receive its events, until either ends."""
    socket = BufferedWebSocket(websocket)
    call.engine.join(socket.send)
    ended = asyncio.create_task(call.ended.wait())
    try:
        while True:
            receiving = asyncio.create_task(socket.received())
            await asyncio.wait({receiving, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not receiving.done():
                receiving.cancel()
                await asyncio.gather(receiving, return_exceptions=True)
                break
            message = receiving.result()
            if message is None:
                break
            await call.engine.take(message, socket.send)
    finally:
        ended.cancel()
        try:
            call.engine.leave(socket.send)
        finally:
            await asyncio.shield(socket.close(NORMAL))
