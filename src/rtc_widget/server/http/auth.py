"""Authentication: the bearer token, and checks of ``Host`` and ``Origin`` against web pages."""

from __future__ import annotations

import hmac
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rtc_widget.server.errors import ApiError
from rtc_widget.server.http.client_secrets import EphemeralKeys

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})

KEY = "rtc_widget.ephemeral_key"
"""The key in the ASGI scope that holds the `EphemeralKey` of a request."""

_KEY_PROTOCOL = "openai-insecure-api-key."
"""Prefix of the subprotocol that holds the key: a page cannot set headers on a WebSocket."""

_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>[^\s\[\]/?#@:\\]+))(?::\d{1,5})?")
"""A host and an optional port (RFC 9110, section 7.2), in lower case."""

_FOR_EPHEMERAL_KEYS = frozenset({"/v1/realtime/calls", "/v1/realtime"})


def error_response(error: ApiError) -> JSONResponse:
    """Return the HTTP response for `error`, in the format of OpenAI."""
    return JSONResponse({"error": error.to_wire()}, error.status)


class AuthMiddleware:
    """ASGI middleware that rejects requests without a valid token, host or origin.

    Parameters
    ----------
    app : ASGI application
        The application to protect.
    token : str
        The token that ``Authorization: Bearer …`` must hold.
    keys : EphemeralKeys
        Ephemeral keys, which may begin sessions instead.
    hosts : frozenset of str
        Allowed names in the ``Host`` header. This prevents DNS rebinding, where a page lets its own name point to
        127.0.0.1. Empty allows all names.
    origins : frozenset of str
        Allowed web origins (RFC 6454), such as ``"http://localhost:5173"``. Their pages still need a key.
    open_paths : frozenset of str
        Paths that need no token.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str,
        keys: EphemeralKeys,
        hosts: frozenset[str] = LOOPBACK_NAMES,
        origins: frozenset[str] = frozenset(),
        open_paths: frozenset[str],
    ) -> None:
        self._app = app
        self._token = token
        self._keys = keys
        self._hosts = hosts
        self._origins = origins
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to the application, or send an error."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        origin = connection.headers.get("origin")
        if origin in self._origins and scope["type"] == "http":
            send = _with_cors(origin, send)
        try:
            self._check_host(connection)
            self._check_origin(connection, origin)
            if origin in self._origins and scope.get("method") == "OPTIONS":
                await _preflight()(scope, receive, send)
                return
            self._check_key(connection)
        except ApiError as error:
            await error_response(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check_host(self, connection: HTTPConnection) -> None:
        host = _HOST.fullmatch(connection.headers.get("host", "").lower())
        if host is None:
            raise ApiError("The Host header must name a host.", "invalid_host", status=400)
        if self._hosts and (host["ipv6"] or host["name"]) not in self._hosts:
            message = "The Host header must be the address that the server prints when it starts."
            raise ApiError(message, "invalid_host", status=403)

    def _check_origin(self, connection: HTTPConnection, origin: str | None) -> None:
        scheme = str(connection.scope["scheme"]).replace("ws", "http", 1)
        own = f"{scheme}://{connection.headers.get('host', '')}"
        if origin is not None and origin not in (own, *self._origins):
            message = "This web origin may not use the server. To allow it, start the server with --allow-origin."
            raise ApiError(message, "invalid_origin", status=403)

    def _check_key(self, connection: HTTPConnection) -> None:
        # Not `connection.url`, which contains the Host header: "localhost/health?" would make any path open.
        path = connection.scope["path"]
        given = _given_key(connection)
        if path in self._open_paths or _is_same(given, self._token):
            return
        key = self._keys.find(given)
        if key is not None and path in _FOR_EPHEMERAL_KEYS:
            connection.scope[KEY] = key
            return
        message = "Incorrect API key provided. Send the token that the server was started with."
        if given.startswith("ek_"):
            message = "Incorrect API key provided: this ephemeral key has expired or does not allow this request."
        raise ApiError(message, "invalid_api_key", status=401)


def is_authorized(headers: Headers, token: str) -> bool:
    """Return whether `headers` hold the bearer `token`."""
    return _is_same(_bearer(headers), token)


def _is_same(given: str, token: str) -> bool:
    # As bytes, because compare_digest accepts only ASCII text. It takes constant time, so it reveals nothing.
    return hmac.compare_digest(given.encode(), token.encode())


def _bearer(headers: Headers) -> str:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def _given_key(connection: HTTPConnection) -> str:
    if connection.scope["type"] == "websocket":
        for protocol in connection.scope.get("subprotocols", ()):
            if protocol.startswith(_KEY_PROTOCOL):
                return str(protocol.removeprefix(_KEY_PROTOCOL))
    return _bearer(connection.headers)


def _preflight() -> Response:
    """Return the response to a CORS preflight request (Fetch standard)."""
    headers = {
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": "authorization, content-type, x-openai-agents-sdk, openai-safety-identifier",
        "access-control-max-age": "600",
    }
    return Response(status_code=204, headers=headers)


def _with_cors(origin: str | None, send: Send) -> Send:
    """Return `send` with the CORS headers that let the page of `origin` read the response."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["access-control-allow-origin"] = origin or ""
            headers["access-control-expose-headers"] = "location"
            headers.add_vary_header("origin")
        await send(message)

    return sending
