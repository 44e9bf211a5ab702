"""openai-python's WebSocket client beside a server that sends it events: no page in between.

``python -m benchmarks._websocket serve`` prints its port; ``… listen PORT`` reads requests from its standard input, a
JSON object in each line, and prints when each event was sent and received.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from benchmarks._relayed import RelayedEvents

_EVENT = {
    "type": "response.function_call_arguments.delta",
    "event_id": "event_0001",
    "response_id": "resp_0001",
    "item_id": "item_0001",
    "output_index": 0,
    "call_id": "call_0001",
    "delta": "",
}
_END = "response.output_text.done"


class WebSocketListener:
    """A process with openai-python's client, connected to a server in another one."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def emit(self, count: int, size: int, per_second: int) -> RelayedEvents:
        """Have the server send events; return when each was sent and received, in milliseconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"count": count, "size": size, "per_second": per_second}) + "\n")
        self._process.stdin.flush()
        return RelayedEvents(json.loads(self._process.stdout.readline()))


@contextmanager
def websocket_listener() -> Iterator[WebSocketListener]:
    """Run the server and the client."""
    command = [sys.executable, "-m", __name__]
    with _running([*command, "serve"]) as server:
        port = cast("Any", server.stdout).readline().strip()
        with _running([*command, "listen", port]) as client:
            yield WebSocketListener(client)


@contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


async def serve() -> None:
    """Send events to each client that asks for them."""
    import websockets

    async with websockets.serve(_send_events, "127.0.0.1", 0, max_size=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.Event().wait()


async def _send_events(socket: Any) -> None:
    async for text in socket:
        wanted = json.loads(text)
        head = json.dumps(_EVENT)
        padded = json.dumps(_EVENT | {"delta": "x" * max(0, wanted["size"] - len(head) - 32)}).removesuffix("}")
        began = time.perf_counter()
        for number in range(wanted["count"]):
            while wanted["per_second"] and (time.perf_counter() - began) * wanted["per_second"] < number:
                await asyncio.sleep(0.001)
            await socket.send(f'{padded}, "sent_ms": {time.time() * 1000}}}')
        await socket.send(json.dumps({"type": _END}))


async def listen(port: int) -> None:
    """Receive events as a program with openai-python does."""
    import openai

    url = f"http://127.0.0.1:{port}/v1"
    client = openai.AsyncOpenAI(base_url=url, websocket_base_url=url.replace("http", "ws", 1), api_key="not-a-key")
    async with client.realtime.connect(model="any", websocket_connection_options={"max_size": None}) as connection:
        while line := await asyncio.to_thread(sys.stdin.readline):
            await connection.send(json.loads(line))
            events = []
            async for event in connection:
                if event.type == _END:
                    break
                events.append((cast("Any", event).sent_ms, time.time() * 1000))
            print(json.dumps(events), flush=True)


if __name__ == "__main__":
    asyncio.run(serve() if sys.argv[1] == "serve" else listen(int(sys.argv[2])))
