"""The HTTP routes of the server: calls, client secrets, models, health, and WebSockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from rtc_widget.server.errors import ApiError
from rtc_widget.server.http.auth import KEY, LOOPBACK_NAMES, AuthMiddleware, error_response, is_authorized
from rtc_widget.server.http.client_secrets import EphemeralKey, EphemeralKeys
from rtc_widget.server.http.live_routes import live_routes
from rtc_widget.server.http.network import change_network
from rtc_widget.server.http.offers import limited_body, offer_of
from rtc_widget.server.http.replies import reply_routes
from rtc_widget.server.protocols.realtime.session_config import MODEL
from rtc_widget.server.responders.remote_replies import RemoteReplies
from rtc_widget.server.responders.responder import Responder
from rtc_widget.server.speech.engines import Engines
from rtc_widget.server.transport.registry import CallRegistry, Limits
from rtc_widget.server.transport.websocket import serve_sideband

ResponderFor = Callable[[Mapping[str, str]], Responder]
"""Returns the responder of a call for the headers of its request; raises `ApiError` if they are invalid."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call.

    Attributes
    ----------
    token : str
        The token that clients send as ``Authorization: Bearer …``.
    hosts : frozenset of str
        Allowed names in the ``Host`` header. Empty allows all names.
    origins : frozenset of str
        Allowed web origins. Empty allows no web page.
    """

    token: str = field(repr=False)
    hosts: frozenset[str] = LOOPBACK_NAMES
    origins: frozenset[str] = frozenset()


def create_app(
    access: Access,
    *,
    engines: asyncio.Future[Engines],
    responder_for: ResponderFor,
    limits: Limits | None = None,
    has_network_control: bool = False,
    replies: RemoteReplies | None = None,
    name: str = "rtc_widget",
) -> Starlette:
    """Return the application.

    Parameters
    ----------
    access : Access
        Who may call.
    engines : future
        The speech engines; may still be loading.
    responder_for : callable
        Selects the responder of a call.
    limits : Limits, optional
        Limits on calls.
    has_network_control : bool
        Whether a client may impair the network of a call, for lessons and tests.
    replies : RemoteReplies, optional
        Reply functions in other kernels.
    name : str
        What widgets show as the name of this server.
    """
    calls, keys = CallRegistry(engines, limits), EphemeralKeys()

    async def create_call(request: Request) -> Response:
        offer = await offer_of(request)
        settings = _settings(request, offer.session)
        started = await calls.begin(offer.sdp, settings, responder_for(request.headers))
        location = {"location": f"/v1/realtime/calls/{started.call_id}"}
        return Response(started.sdp, 201, location, media_type="application/sdp")

    async def create_client_secret(request: Request) -> Response:
        return JSONResponse(keys.create_client_secret(await limited_body(request)).to_wire())

    async def hang_up(request: Request) -> Response:
        await calls.find(request.path_params["call_id"]).end()
        return Response()

    async def network(request: Request) -> Response:
        call = calls.find(request.path_params["call_id"])
        return JSONResponse(change_network(call.network, await limited_body(request)).to_wire())

    async def realtime(websocket: WebSocket) -> None:
        try:
            call_id = websocket.query_params.get("call_id")
            if call_id is None:
                await calls.run(websocket, _settings(websocket, None), responder_for(websocket.headers))
                return
            if KEY in websocket.scope:
                # As with OpenAI: an ephemeral key gives no access to the calls of others.
                raise ApiError("No session found for the provided call_id.", "call_id_not_found", status=404)
            call = calls.find(call_id)
            call.engine.require_room_for_client()
            await websocket.accept("realtime" if "realtime" in websocket.scope["subprotocols"] else None)
            await serve_sideband(call, websocket)
        except ApiError as error:
            await websocket.send_denial_response(error_response(error))

    async def health(request: Request) -> JSONResponse:
        is_ready = engines.done() and not engines.cancelled() and engines.exception() is None
        names = engines.result().names() if is_ready else {}
        body: dict[str, object] = {"name": name, "ready": is_ready, "engines": names, "calls": len(calls.ids)}
        if is_authorized(request.headers, access.token):
            body["call_ids"] = calls.ids
        return JSONResponse(body)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None, None]:
        yield
        await calls.end_all()

    auth = Middleware(
        AuthMiddleware,
        token=access.token,
        keys=keys,
        hosts=access.hosts,
        origins=access.origins,
        open_paths=frozenset({"/health"}),
    )
    network_route = Route("/v1/realtime/calls/{call_id}/network", network, methods=["POST"])
    return Starlette(
        routes=[
            Route("/v1/realtime/calls", create_call, methods=["POST"]),
            Route("/v1/realtime/calls/{call_id}/hangup", hang_up, methods=["POST"]),
            Route("/v1/realtime/client_secrets", create_client_secret, methods=["POST"]),
            *live_routes(calls, responder_for),
            Route("/v1/models", _models, methods=["GET"]),
            Route("/health", health, methods=["GET"]),
            WebSocketRoute("/v1/realtime", realtime),
            *([network_route] if has_network_control else []),
            *(reply_routes(replies) if replies is not None else []),
        ],
        middleware=[auth],
        exception_handlers={ApiError: _api_error, HTTPException: _http_error, Exception: _server_error},
        lifespan=lifespan,
    )


def _settings(connection: HTTPConnection, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the initial settings of a session: those of the key, overridden by those of the request."""
    key: EphemeralKey | None = connection.scope.get(KEY)
    settings = {**(key.settings if key else {}), **(given or {})}
    if given is None:
        settings.setdefault("type", "realtime")
    model = connection.query_params.get("model")
    if "model" not in settings and model:
        settings["model"] = model
    if "model" not in settings:
        message = f"You must provide a model parameter, for example '{MODEL}', in the session or as '?model={MODEL}'."
        raise ApiError(message, "missing_required_parameter", param="session.model")
    return settings


async def _models(_: Request) -> Response:
    # The server has one model. It accepts any other name too, for clients that know only OpenAI's names.
    model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "rtc-widget"}
    return JSONResponse({"object": "list", "data": [model]})


async def _api_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        raise error
    return error_response(error)


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    message = f"Invalid URL ({request.method} {request.scope['path']})."
    return error_response(ApiError(message, "unknown_url", status=error.status_code))


async def _server_error(_: Request, error: Exception) -> Response:
    # Starlette raises the error again after this, so the log has it.
    message = f"Internal error of the server ({type(error).__name__}). See its log."
    return error_response(ApiError(message, "server_error", status=500, kind="server_error"))
