"""Live sessions over a primary WebSocket: the first message starts the session, and events contain the audio."""

from __future__ import annotations

import asyncio
import logging
import time

from starlette.websockets import WebSocket

from rtc_widget._aiortc.stats import CallStatistics
from rtc_widget.server.errors import ApiError
from rtc_widget.server.messages import decoded_event
from rtc_widget.server.protocols.live.client_events import StartSession, live_event
from rtc_widget.server.protocols.live.engine import LiveEngine
from rtc_widget.server.protocols.live.server_events import live_message
from rtc_widget.server.protocols.live.session_config import LiveConfig, new_live_session
from rtc_widget.server.responders.responder import Responder
from rtc_widget.server.speech.engines import Engines
from rtc_widget.server.transport.websocket import NORMAL, BufferedWebSocket

log = logging.getLogger(__name__)

START_SECONDS = 30.0
"""Longest time until the first message."""


class LiveWebSocketCall:
    """One Live session over a WebSocket.

    Parameters
    ----------
    session_id : str
        The id of the session.
    expires_at : int
        When it ends at the latest, in seconds since 1970.
    engines, responder
        The speech engines, and what decides what is said.
    """

    def __init__(self, session_id: str, expires_at: int, engines: Engines, responder: Responder) -> None:
        self.id = session_id
        self._expires_at = expires_at
        self._engines = engines
        self._responder = responder
        self._running: asyncio.Task[None] | None = None

    async def run(self, websocket: WebSocket) -> None:
        """Serve the client until it disconnects, the session closes, or `end` is called."""
        self._running = asyncio.current_task()
        socket = BufferedWebSocket(websocket)
        try:
            session = await self._started(socket)
            if session is not None:
                await self._serve(session, socket)
        finally:
            await asyncio.shield(self._close(socket))

    async def end(self) -> None:
        """End the session, when the server stops."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _started(self, socket: BufferedWebSocket) -> LiveConfig | None:
        """Return the settings of the first message; None if there is none or it is invalid."""
        try:
            async with asyncio.timeout(START_SECONDS):
                message = await socket.received()
        except TimeoutError:
            return None
        if message is None:
            return None
        client_event_id = None
        try:
            event = decoded_event(message)
            given = event.get("event_id")
            client_event_id = given if isinstance(given, str) else None
            start = live_event(event)
            if not isinstance(start, StartSession):
                message = "The first event must start the session."
                raise ApiError(message, "session_not_started", param="type")
            return new_live_session(self.id, self._expires_at, start.session, is_websocket=True)
        except ApiError as error:
            socket.send(live_message("error", error={**error.to_wire(), "client_event_id": client_event_id}))
            return None

    async def _serve(self, session: LiveConfig, socket: BufferedWebSocket) -> None:
        began = time.monotonic()
        closed = asyncio.Event()

        async def statistics() -> CallStatistics:
            return CallStatistics("WebSocket", seconds=time.monotonic() - began)

        engine = LiveEngine(
            session,
            engines=self._engines,
            responder=self._responder,
            send=socket.send,
            on_closed=closed.set,
            statistics=statistics,
        )
        try:
            engine.begin()
            async with self._engines.voice_detector() as detector:
                engine.listen(detector)
                async with asyncio.timeout(max(0.0, self._expires_at - time.time())):
                    while not closed.is_set() and (message := await socket.received()) is not None:
                        await engine.take(message)
        except TimeoutError:
            engine.expire()
        finally:
            await asyncio.shield(engine.end())

    async def _close(self, socket: BufferedWebSocket) -> None:
        await socket.close(NORMAL)
        log.info("session %s ended", self.id)
