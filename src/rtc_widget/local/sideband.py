"""A WebSocket beside a WebRTC call: a server-side program that follows it and takes part."""

from __future__ import annotations

import asyncio

from starlette.websockets import WebSocket

from rtc_widget.local.call import Call
from rtc_widget.local.websocket_session import NORMAL, Line


async def follow(call: Call, websocket: WebSocket) -> None:
    """Pass on the events of `call` and take those of the client, until either ends."""
    line = Line(websocket)
    call.dialogue.join(line.send)
    ended = asyncio.create_task(call.ended.wait())
    try:
        while True:
            receiving = asyncio.create_task(line.received())
            await asyncio.wait({receiving, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not receiving.done():
                receiving.cancel()
                await asyncio.gather(receiving, return_exceptions=True)
                break
            message = receiving.result()
            if message is None:
                break
            await call.dialogue.take(message, line.send)
    finally:
        ended.cancel()
        call.dialogue.leave(line.send)
        await asyncio.shield(line.close(NORMAL))
