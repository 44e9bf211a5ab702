"""Who may call: programs of this machine that hold the token, and no web page that was not allowed by name."""

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
"""Where in the scope the `EphemeralKey` is that a request came with, if it came with one."""

_KEY_PROTOCOL = "openai-insecure-api-key."
"""How a page, which can set no headers on a WebSocket, sends its key: as a subprotocol."""

_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>[^\s\[\]/?#@:\\]+))(?::\d{1,5})?")
"""Host and perhaps port (RFC 9110, section 7.2), in lower case."""

_FOR_EPHEMERAL_KEYS = frozenset({"/v1/realtime/calls", "/v1/realtime"})


def error_response(error: ApiError) -> JSONResponse:
    """Return `error` as a response with OpenAI's kind of body."""
    return JSONResponse({"error": error.to_wire()}, error.status)


class AuthMiddleware:
    """ASGI middleware that lets nobody through who has no business here.

    Parameters
    ----------
    app : ASGI application
        What is behind it.
    token : str
        What `Authorization: Bearer …` has to hold.
    keys : EphemeralKeys
        What it may hold instead, to begin a session.
    hosts : frozenset of str
        By which names the server is called. A page that had its own name point to 127.0.0.1 (DNS rebinding) would
        call it by another. Empty: by any name.
    origins : frozenset of str
        From which pages it may be called, such as ``"http://localhost:5173"`` (RFC 6454). They need a key all the same.
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
        """Pass the request on, or refuse it."""
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
            message = "This server may not be called by that name; use the address that it says it listens on."
            raise ApiError(message, "invalid_host", status=403)

    def _check_origin(self, connection: HTTPConnection, origin: str | None) -> None:
        scheme = str(connection.scope["scheme"]).replace("ws", "http", 1)
        own = f"{scheme}://{connection.headers.get('host', '')}"
        if origin is not None and origin not in (own, *self._origins):
            message = "Web pages may not use this server; whoever starts it can allow them one by one."
            raise ApiError(message, "invalid_origin", status=403)

    def _check_key(self, connection: HTTPConnection) -> None:
        # Not `connection.url`, which is made of the Host header: "localhost/health?" would make any path an open one.
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
            message = "Incorrect API key provided: this ephemeral key has expired, or may not be used for this."
        raise ApiError(message, "invalid_api_key", status=401)


def is_authorized(headers: Headers, token: str) -> bool:
    """Return whether `headers` hold the bearer `token`."""
    return _is_same(_bearer(headers), token)


def _is_same(given: str, token: str) -> bool:
    # Bytes, because compare_digest takes no other text than ASCII; in constant time, so that it tells nothing.
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
    """Return the answer to a browser that asks what a page may send (Fetch standard, CORS)."""
    headers = {
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": "authorization, content-type, x-openai-agents-sdk, openai-safety-identifier",
        "access-control-max-age": "600",
    }
    return Response(status_code=204, headers=headers)


def _with_cors(origin: str | None, send: Send) -> Send:
    """Let the page of `origin` read what is sent."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["access-control-allow-origin"] = origin or ""
            headers["access-control-expose-headers"] = "location"
            headers.add_vary_header("origin")
        await send(message)

    return sending
