"""The server's HTTP side: offers in, answers out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rtc_widget.local.calls import Calls
from rtc_widget.local.guard import LOOPBACK_NAMES, Guard, is_authorized, refused
from rtc_widget.local.mind import Mind
from rtc_widget.local.offer import offer_of
from rtc_widget.local.refusal import Refusal
from rtc_widget.local.speech.engines import Engines

REPLY_HEADER = "rtc-widget-reply"
"""Names the function of the parent process that answers this call."""

MindFor = Callable[[str | None], Mind]
"""Returns the mind of a call, given its `REPLY_HEADER`; raises a `Refusal` when it knows none of that name."""


def create_app(
    *,
    token: str,
    engines: asyncio.Future[Engines],
    mind_for: MindFor,
    hosts: frozenset[str] = LOOPBACK_NAMES,
) -> Starlette:
    """Return the server.

    Parameters
    ----------
    token : str
        What clients have to send as `Authorization: Bearer …`.
    engines : future
        What hears and speaks; may still be loading.
    mind_for : callable
        Chooses what thinks.
    hosts : frozenset of str
        By which names the server may be called; empty: by any.
    """
    calls = Calls(engines)

    async def create_call(request: Request) -> Response:
        offer = await offer_of(request)
        mind = mind_for(request.headers.get(REPLY_HEADER))
        answered = await calls.begin(offer.sdp, offer.session, mind)
        location = {"location": f"/v1/realtime/calls/{answered.call_id}"}
        return Response(answered.sdp, 201, location, media_type="application/sdp")

    async def hang_up(request: Request) -> Response:
        await calls.hang_up(request.path_params["call_id"])
        return Response()

    async def health(request: Request) -> JSONResponse:
        is_ready = engines.done() and not engines.cancelled() and engines.exception() is None
        names = engines.result().names() if is_ready else {}
        body: dict[str, object] = {"ready": is_ready, "engines": names, "calls": len(calls.ids)}
        if is_authorized(request.headers, token):
            body["call_ids"] = calls.ids
        return JSONResponse(body)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None, None]:
        yield
        await calls.end_all()

    return Starlette(
        routes=[
            Route("/v1/realtime/calls", create_call, methods=["POST"]),
            Route("/v1/realtime/calls/{call_id}/hangup", hang_up, methods=["POST"]),
            Route("/health", health, methods=["GET"]),
        ],
        middleware=[Middleware(Guard, token=token, hosts=hosts, open_paths=frozenset({"/health"}))],
        exception_handlers={Refusal: _refuse, HTTPException: _refuse_route},
        lifespan=lifespan,
    )


async def _refuse(_: Request, error: Exception) -> Response:
    if not isinstance(error, Refusal):
        raise error
    return refused(error)


async def _refuse_route(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    message = f"Invalid URL ({request.method} {request.url.path})."
    return refused(Refusal(message, "unknown_url", status=error.status_code))
