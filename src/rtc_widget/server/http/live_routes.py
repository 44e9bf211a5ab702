"""The routes of the Live API: sessions over WebRTC, primary WebSockets, and sidebands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from rtc_widget.server.errors import ApiError, api_error_from
from rtc_widget.server.http.auth import error_response
from rtc_widget.server.http.offers import limited_body
from rtc_widget.server.responders.responder import Responder
from rtc_widget.server.strict_json import parse_json
from rtc_widget.server.transport.registry import CallRegistry, LiveRequest
from rtc_widget.server.transport.websocket import serve_sideband

SESSIONS = "/v1/live/sessions"

_NOT_SERVED = {
    "fork": "This server cannot fork a session.",
    "content": "This server records nothing.",
    "accept": "This server has no SIP.",
    "reject": "This server has no SIP.",
    "refer": "This server has no SIP.",
}


class _ClosedTransport(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["webrtc"]
    sdp: str
    dcid: Annotated[int, Field(ge=0, le=65_534)] | None = None


class _LiveBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    session: dict[str, Any]
    transport: _ClosedTransport


def live_routes(calls: CallRegistry, responder_for: Callable[[Mapping[str, str]], Responder]) -> list[BaseRoute]:
    """Return the routes of the Live API.

    Parameters
    ----------
    calls : CallRegistry
        The calls of the server.
    responder_for : callable
        Selects the responder of a session by the headers of its request.
    """

    async def create_session(request: Request) -> Response:
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "application/json":
            message = "Unsupported content type. Send application/json with 'session' and 'transport'."
            raise ApiError(message, "unsupported_content_type", status=415)
        asked = _request(await limited_body(request))
        try:
            started = await calls.begin_live(asked, responder_for(request.headers))
        except ApiError as error:
            if error.param == "sdp":
                error.param = "transport.sdp"
            raise
        body = {"session": {"id": started.call_id}, "transport": {"type": "webrtc", "sdp": started.sdp}}
        return JSONResponse(body, 201)

    async def hang_up(request: Request) -> Response:
        await calls.find_live(request.path_params["session_id"]).end()
        return Response()

    def refuse(message: str) -> Callable[[Request], Awaitable[Response]]:
        async def refusing(request: Request) -> Response:
            raise ApiError(message, "unsupported_operation", status=501)

        return refusing

    async def primary(websocket: WebSocket) -> None:
        try:
            await calls.run_live(websocket, responder_for(websocket.headers))
        except ApiError as error:
            await websocket.send_denial_response(error_response(error))

    async def attach(websocket: WebSocket) -> None:
        try:
            call = calls.find_live(websocket.path_params["session_id"])
            call.engine.require_room_for_client()
            await websocket.accept()
            await serve_sideband(call, websocket)
        except ApiError as error:
            await websocket.send_denial_response(error_response(error))

    one = f"{SESSIONS}/{{session_id}}"
    return [
        Route(SESSIONS, create_session, methods=["POST"]),
        Route(f"{one}/hangup", hang_up, methods=["POST"]),
        *(Route(f"{one}/{name}", refuse(why), methods=["GET", "POST"]) for name, why in _NOT_SERVED.items()),
        WebSocketRoute(SESSIONS, primary),
        WebSocketRoute(f"{one}/attach", attach),
    ]


def _request(body: bytes) -> LiveRequest:
    given = parse_json(body, "The body")
    try:
        asked = _LiveBody.model_validate(given)
    except ValidationError as error:
        raise api_error_from(error, given, "") from None
    return LiveRequest(asked.session, asked.transport.sdp, asked.transport.dcid)
