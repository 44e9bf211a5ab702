"""The calls and sessions of a server."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket

from rtc_widget.server.errors import ApiError
from rtc_widget.server.messages import new_id
from rtc_widget.server.protocols.live.engine import LiveEngine
from rtc_widget.server.protocols.live.session_config import new_live_session
from rtc_widget.server.protocols.realtime.engine import RealtimeEngine
from rtc_widget.server.protocols.realtime.session_config import SessionConfig, new_session
from rtc_widget.server.responders.responder import Responder
from rtc_widget.server.speech.engines import Engines
from rtc_widget.server.transport.live_websocket import LiveWebSocketCall
from rtc_widget.server.transport.session_engine import CallParts, MakeEngine
from rtc_widget.server.transport.webrtc_call import WebRtcCall
from rtc_widget.server.transport.websocket import WebSocketCall

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on the calls of a server.

    Attributes
    ----------
    calls : int
        Calls at a time, including WebSocket sessions.
    minutes : float
        Longest duration of a call; OpenAI allows 60.
    silent_seconds : float
        A call ends after so long without a packet from its peer.
    """

    calls: int = 16
    minutes: float = 60.0
    silent_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class StartedCall:
    """A new call and its SDP answer."""

    call_id: str
    sdp: str


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """A request for a Live session over WebRTC.

    Attributes
    ----------
    session : object
        The settings, not checked yet.
    sdp : str
        The offer.
    channel_id : int or None
        The number of a data channel that the client negotiates by itself.
    """

    session: object
    sdp: str
    channel_id: int | None = None


class CallRegistry:
    """Starts calls, finds them by id, and ends them.

    Parameters
    ----------
    engines : awaitable
        Resolves when the engines are loaded. An earlier offer waits.
    limits : Limits
        Limits on calls.
    """

    def __init__(self, engines: asyncio.Future[Engines], limits: Limits | None = None) -> None:
        self._engines = engines
        self._limits = limits or Limits()
        self._calls: dict[str, WebRtcCall] = {}
        self._live_ids: set[str] = set()
        self._sessions: dict[str, WebSocketCall | LiveWebSocketCall] = {}

    @property
    def ids(self) -> list[str]:
        """The ids of the calls and sessions in progress."""
        return [*self._calls, *self._sessions]

    async def begin(self, offer: str, settings: Mapping[str, Any], responder: Responder) -> StartedCall:
        """Start a call for the SDP `offer` and return its answer.

        Raises
        ------
        ApiError
            When the settings or the offer are invalid, or the server has too many calls.
        """
        session = self._new_session(settings)
        engines = await self._loaded()

        def engine(parts: CallParts) -> RealtimeEngine:
            return RealtimeEngine(
                session,
                engines=engines,
                responder=responder,
                send=parts.send,
                player=parts.player,
                statistics=parts.statistics,
            )

        call = self._new_call(new_id("rtc"), session.expires_at, engine, engines)
        return StartedCall(call.id, await call.answer(offer))

    async def begin_live(self, request: LiveRequest, responder: Responder) -> StartedCall:
        """Start a Live session for the offer of `request` and return its answer.

        Raises
        ------
        ApiError
            When the settings or the offer are invalid, or the server has too many calls.
        """
        session = new_live_session(new_id("live"), self._expires_at(), request.session)
        engines = await self._loaded()

        def engine(parts: CallParts) -> LiveEngine:
            return LiveEngine(
                session,
                engines=engines,
                responder=responder,
                send=parts.send,
                on_closed=parts.end,
                player=parts.player,
                statistics=parts.statistics,
            )

        call = self._new_call(session.id, session.expires_at, engine, engines)
        self._live_ids.add(call.id)
        return StartedCall(call.id, await call.answer(request.sdp, channel_id=request.channel_id))

    def _new_call(self, call_id: str, expires_at: float, make_engine: MakeEngine, engines: Engines) -> WebRtcCall:
        call = WebRtcCall(
            call_id,
            expires_at,
            make_engine,
            engines=engines,
            on_ended=self._remove,
            silent_seconds=self._limits.silent_seconds,
        )
        self._calls[call.id] = call
        return call

    async def run(self, websocket: WebSocket, settings: Mapping[str, Any], responder: Responder) -> None:
        """Accept `websocket` and run a session over it until it ends.

        Raises
        ------
        ApiError
            When the settings are invalid, or the server has too many calls. The WebSocket is then not accepted.
        """
        session = self._new_session(settings)
        running = WebSocketCall(session, engines=await self._loaded(), responder=responder)
        self._sessions[running.id] = running
        try:
            await websocket.accept("realtime" if "realtime" in websocket.scope["subprotocols"] else None)
            await running.run(websocket)
        finally:
            del self._sessions[running.id]

    async def run_live(self, websocket: WebSocket, responder: Responder) -> None:
        """Accept `websocket` and run a Live session over it, which its first message starts.

        Raises
        ------
        ApiError
            When the server has too many calls. The WebSocket is then not accepted.
        """
        running = LiveWebSocketCall(new_id("live"), self._expires_at(), await self._loaded(), responder)
        self._sessions[running.id] = running
        try:
            await websocket.accept()
            await running.run(websocket)
        finally:
            del self._sessions[running.id]

    def find_live(self, session_id: str) -> WebRtcCall:
        """Return the call of the Live session with that id.

        Raises
        ------
        ApiError
            When no Live session over WebRTC has that id, or it has ended.
        """
        call = self._calls.get(session_id) if session_id in self._live_ids else None
        if call is None:
            raise ApiError("No session found for the provided session_id.", "session_id_not_found", status=404)
        return call

    def find(self, call_id: str) -> WebRtcCall:
        """Return the WebRTC call with that id.

        Raises
        ------
        ApiError
            When no call has that id, or the call has ended.
        """
        call = self._calls.get(call_id)
        if call is None:
            raise ApiError("No session found for the provided call_id.", "call_id_not_found", status=404)
        return call

    async def end_all(self) -> None:
        """End every call, also when the end of another fails."""
        ending = [call.end() for call in self._calls.values()]
        ending += [session.end() for session in self._sessions.values()]
        for result in await asyncio.gather(*ending, return_exceptions=True):
            if isinstance(result, Exception):
                log.error("a call did not end cleanly", exc_info=result)

    def _new_session(self, settings: Mapping[str, Any]) -> SessionConfig:
        return new_session(new_id("sess"), self._expires_at(), settings)

    def _expires_at(self) -> int:
        return round(time.time() + self._limits.minutes * 60)

    async def _loaded(self) -> Engines:
        engines = await asyncio.shield(self._engines)
        if len(self._calls) + len(self._sessions) >= self._limits.calls:
            message = f"This server accepts at most {self._limits.calls} calls at a time. Try again later."
            raise ApiError(message, "rate_limit_exceeded", status=429, kind="rate_limit_error")
        return engines

    def _remove(self, call: WebRtcCall) -> None:
        self._calls.pop(call.id, None)
        self._live_ids.discard(call.id)
