"""A real HTTP server that sends scripted replies and keeps the requests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ANSWER = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\n"


@dataclass
class RealtimeServer:
    status: int = 201
    body: str = ANSWER
    headers: dict[str, str] = field(default_factory=lambda: {"Location": "/v1/realtime/calls/rtc_1"})
    delay: float = 0.0
    hang_up_status: int = 200
    secret_body: str = '{"value":"ek_1","expires_at":1756310470,"session":{}}'
    requests: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    async def calls(self, request: Request) -> Response:
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        form = message_from_bytes(head + await request.body())
        parts = {
            part.get_param("name", header="content-disposition"): (
                part.get_payload(decode=True).decode(),
                part.get_content_type(),
            )
            for part in form.get_payload()
        }
        self._keep(request, parts=parts)
        await asyncio.sleep(self.delay)
        return Response(self.body, self.status, self.headers)

    async def live_sessions(self, request: Request) -> Response:
        self._keep(request, json=await request.json())
        return Response(self.body, self.status, self.headers)

    async def client_secrets(self, request: Request) -> Response:
        self._keep(request, json=await request.json())
        return Response(self.secret_body, self.status if self.status >= 400 else 200)

    async def hang_up(self, request: Request) -> Response:
        self._keep(request)
        body = "" if self.hang_up_status == 200 else '{"error":{"code":"call_id_not_found","message":"Gone."}}'
        return Response(body, self.hang_up_status)

    def _keep(self, request: Request, **more: Any) -> None:
        self.requests.append(
            {
                "method": request.method,
                "path": request.url.path,
                "headers": dict(request.headers),
                "client": request.client.port if request.client else None,
                **more,
            }
        )

    async def head(self, request: Request) -> Response:
        self._keep(request)
        return Response(status_code=405)

    @property
    def posts(self) -> list[dict[str, Any]]:
        return [request for request in self.requests if request["method"] == "POST"]


@contextmanager
def running(server: RealtimeServer, **options: Any) -> Iterator[RealtimeServer]:
    routes = [
        Route("/v1/realtime/calls", server.calls, methods=["POST"]),
        Route("/v1/realtime/calls", server.head, methods=["HEAD"]),
        Route("/v1/realtime/client_secrets", server.client_secrets, methods=["POST"]),
        Route("/v1/realtime/calls/{call_id}/hangup", server.hang_up, methods=["POST"]),
        Route("/v1/live/sessions", server.live_sessions, methods=["POST"]),
        Route("/v1/live/sessions", server.head, methods=["HEAD"]),
        Route("/v1/live/sessions/{call_id}/hangup", server.hang_up, methods=["POST"]),
    ]
    config = uvicorn.Config(Starlette(routes=routes), port=0, log_level="critical", lifespan="off", **options)
    uvicorn_server = uvicorn.Server(config)
    thread = threading.Thread(target=uvicorn_server.run, daemon=True)
    thread.start()
    while not uvicorn_server.started:
        thread.join(0.01)
    port = uvicorn_server.servers[0].sockets[0].getsockname()[1]
    server.url = f"{'https' if 'ssl_certfile' in options else 'http'}://127.0.0.1:{port}/v1"
    try:
        yield server
    finally:
        uvicorn_server.should_exit = True
        thread.join(5)
