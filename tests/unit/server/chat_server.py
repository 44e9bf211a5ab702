"""A chat server on a real socket: it streams Chat Completions that the test scripts."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class ChatServerDouble:
    """What the server was asked, and what it says.

    `says` holds deltas, each sent as one chunk; a number is a pause in seconds. With `breaks_off` the connection is
    closed after them, in the middle of the answer.
    """

    url: str = ""
    says: list[dict[str, Any] | float | str] = field(default_factory=list)
    status: int = 200
    content_type: str | None = "text/event-stream"
    breaks_off: bool = False
    requests: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    broken_off: threading.Event = field(default_factory=threading.Event)


def words(*pieces: str) -> list[dict[str, Any] | float | str]:
    return [{"role": "assistant", "content": ""}, *({"content": piece} for piece in pieces)]


def call(index: int, name: str, *arguments: str) -> list[dict[str, Any] | float | str]:
    """Return the deltas of a tool call: first its name, then its arguments in pieces."""
    first = {"index": index, "id": f"c{index}", "type": "function", "function": {"name": name, "arguments": ""}}
    rest = ({"index": index, "function": {"arguments": piece}} for piece in arguments)
    return [{"tool_calls": [delta]} for delta in (first, *rest)]


@contextmanager
def chat_server() -> Iterator[ChatServerDouble]:
    double = ChatServerDouble()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            double.requests.append({"path": self.path, **json.loads(body)})
            double.authorizations.append(self.headers.get("Authorization"))
            if double.status != 200:
                self._send_error()
                return
            self.send_response(200)
            if double.content_type:
                self.send_header("Content-Type", double.content_type)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for delta in double.says:
                    self._send(delta)
                if double.breaks_off:
                    self.close_connection = True
                    return
                self._write("data: [DONE]\n\n")
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                double.broken_off.set()
                self.close_connection = True

        def _send(self, delta: dict[str, Any] | float | str) -> None:
            if isinstance(delta, float):
                time.sleep(delta)
            elif isinstance(delta, str):
                self._write(delta)
            else:
                chunk = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta}]}
                self._write(f"data: {json.dumps(chunk)}\n\n")

        def _write(self, text: str) -> None:
            data = text.encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

        def _send_error(self) -> None:
            key = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            data = json.dumps({"error": {"message": f"no such model, {key}"}}).encode()
            self.send_response(double.status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        double.url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield double
        server.shutdown()
        thread.join()
