"""Servers of other packages: doubles that keep to what those packages were measured to do, and the packages themselves.

``python -m tests.headless.peer_contracts pipecat|fastrtc PORT`` runs one of the packages.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class Doubles:
    """Pipecat's, FastRTC's and a WHIP server's contract, each with an aiortc peer that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.frames = 0
        self.ended: list[str] = []
        self._peers: list[Any] = []
        self.app = Starlette(
            routes=[
                Route("/api/offer", self.pipecat, methods=["POST"]),
                Route("/webrtc/offer", self.fastrtc, methods=["POST"]),
                Route("/whip", self.whip, methods=["POST"]),
                Route("/whip/{call}", self.delete, methods=["DELETE"]),
            ]
        )

    async def pipecat(self, request: Request) -> Response:
        body = await request.json()
        if not {"sdp", "type"} <= body.keys() <= {"sdp", "type", "pc_id", "restart_pc", "request_data"}:
            return JSONResponse({"detail": "Unprocessable"}, 422)

        def reply(channel: Any, text: str) -> None:
            if not text.startswith("ping") and json.loads(text).get("type") == "client-ready":
                channel.send(json.dumps({"label": "rtvi-ai", "type": "bot-ready", "id": "1", "data": {}}))

        sdp = await self._answer(body["sdp"], "chat", reply)
        return JSONResponse({"sdp": sdp, "type": "answer", "pc_id": f"SmallWebRTCConnection#0-{uuid4().hex}"})

    async def fastrtc(self, request: Request) -> Response:
        body = await request.json()
        if len(body["webrtc_id"]) < 4 or self._peers:
            error = {"error": "concurrency_limit_reached", "limit": 1}
            return JSONResponse({"status": "failed", "meta": error})

        def reply(channel: Any, text: str) -> None:
            channel.send(json.dumps({"type": "log", "data": f"Server received: {text}"}))

        return JSONResponse({"sdp": await self._answer(body["sdp"], "text", reply), "type": "answer"})

    async def whip(self, request: Request) -> Response:
        if request.headers["content-type"] != "application/sdp" or request.headers["authorization"] != "Bearer t":
            return Response(status_code=401)
        answer = await self._answer((await request.body()).decode(), None, lambda channel, text: None)
        return Response(answer, 201, {"Location": "/whip/1"}, media_type="application/sdp")

    async def delete(self, request: Request) -> Response:
        self.ended.append(request.path_params["call"])
        return Response()

    async def _answer(self, offer: str, label: str | None, reply: Any) -> str:
        from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peers.append(peer)

        @peer.on("track")
        async def count(track: Any) -> None:
            while True:
                await track.recv()
                self.frames += 1

        @peer.on("datachannel")
        def opened(channel: Any) -> None:
            assert channel.label == label

            @channel.on("message")
            def received(text: str) -> None:
                self.got.append(text)
                reply(channel, text)

        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        assert (peer.sctp is None) == (label is None)
        await peer.setLocalDescription(await peer.createAnswer())
        sdp: str = peer.localDescription.sdp
        return sdp

    async def close(self) -> None:
        await asyncio.gather(*(peer.close() for peer in self._peers))


def pipecat_app() -> Any:
    """Pipecat's own request handler and transport, without a pipeline."""
    from fastapi import FastAPI
    from pipecat.transports.smallwebrtc.request_handler import SmallWebRTCRequest, SmallWebRTCRequestHandler

    app, handler = FastAPI(), SmallWebRTCRequestHandler()

    async def offer(request: Any) -> Any:
        async def connected(connection: Any) -> None:
            @connection.event_handler("app-message")
            async def received(_: Any, message: Any) -> None:
                if message.get("type") == "client-ready":
                    connection.send_app_message({"label": "rtvi-ai", "type": "bot-ready", "id": "1", "data": {}})

            await connection.connect()

        return await handler.handle_web_request(request, connected)

    # FastAPI cannot resolve an annotation that is a text with a local name.
    offer.__annotations__ = {"request": SmallWebRTCRequest}
    app.post("/api/offer")(offer)
    return app


def fastrtc_app() -> Any:
    """FastRTC's own stream, which echoes the audio."""
    from fastapi import FastAPI
    from fastrtc import Stream, StreamHandler

    class Echo(StreamHandler):
        def __init__(self) -> None:
            super().__init__()
            self._frames: list[Any] = []

        def receive(self, frame: Any) -> None:
            self._frames.append(frame)

        def emit(self) -> Any:
            return self._frames.pop(0) if self._frames else None

        def copy(self) -> Any:
            return Echo()

    app = FastAPI()
    Stream(Echo(), modality="audio", mode="send-receive").mount(app)
    return app


if __name__ == "__main__":
    import uvicorn

    uvicorn.run({"pipecat": pipecat_app, "fastrtc": fastrtc_app}[sys.argv[1]](), port=int(sys.argv[2]))
