"""The HTTP routes of reply functions in other kernels."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from rtc_widget.server.http.offers import limited_body
from rtc_widget.server.http.responder_selection import STREAM_HEADER
from rtc_widget.server.responders.remote_replies import RemoteReplies


def reply_routes(replies: RemoteReplies) -> list[Route]:
    """Return the route that streams requests to a kernel, and the one that takes its replies."""

    async def requests(request: Request) -> Response:
        lines = await replies.requests(request.headers.get(STREAM_HEADER, ""))
        # Proxies must not collect the lines.
        return StreamingResponse(lines, media_type="application/x-ndjson", headers={"x-accel-buffering": "no"})

    async def receive(request: Request) -> Response:
        replies.receive(request.headers.get(STREAM_HEADER, ""), await limited_body(request))
        return Response(status_code=204)

    return [
        Route("/v1/rtc_widget/reply_requests", requests, methods=["POST"]),
        Route("/v1/rtc_widget/replies", receive, methods=["POST"]),
    ]
