"""Who may call: programs of this machine that hold the token, and no web page."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from rtc_widget.local.refusal import Refusal

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


def refused(refusal: Refusal) -> JSONResponse:
    """Return `refusal` as a response with OpenAI's kind of body."""
    return JSONResponse({"error": refusal.to_wire()}, refusal.status)


class Guard:
    """ASGI middleware that lets nobody through who has no business here.

    Parameters
    ----------
    app : ASGI application
        What is behind it.
    token : str
        What `Authorization: Bearer …` has to hold.
    hosts : frozenset of str
        By which names the server is called. A page that had its own name point to 127.0.0.1 (DNS rebinding) would
        call it by another. Empty: by any name.
    open_paths : frozenset of str
        Paths that need no token.
    """

    def __init__(
        self, app: ASGIApp, *, token: str, hosts: frozenset[str] = LOOPBACK_NAMES, open_paths: frozenset[str]
    ) -> None:
        self._app = app
        self._token = token
        self._hosts = hosts
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._check(Request(scope))
        except Refusal as refusal:
            await refused(refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check(self, request: Request) -> None:
        host = urlsplit(f"//{request.headers.get('host', '')}")
        if self._hosts and host.hostname not in self._hosts:
            raise Refusal("This server answers on the loopback address only.", "invalid_host", status=403)
        origin = request.headers.get("origin")
        if origin is not None and origin != f"{request.url.scheme}://{host.netloc}":
            raise Refusal("Web pages may not use this server.", "invalid_origin", status=403)
        if request.url.path not in self._open_paths and not is_authorized(request.headers, self._token):
            message = "Incorrect API key provided. Send the token that the server was started with."
            raise Refusal(message, "invalid_api_key", status=401)


def is_authorized(headers: Headers, token: str) -> bool:
    """Return whether `headers` hold the bearer `token`."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    # Bytes, because compare_digest takes no other text than ASCII; in constant time, so that it tells nothing.
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
