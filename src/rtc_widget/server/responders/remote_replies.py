"""Reply functions in other kernels, over HTTP: the mind of a call runs where the student's notebook runs.

A kernel keeps one response open, from which it reads a line of JSON for each request, and posts the replies. It chooses
the secret name of its stream, so that no other user of the server can read its conversations or reply in its place.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from rtc_widget.server.errors import ApiError
from rtc_widget.server.responders.reply_requests import FunctionResponder, ReplyRequests
from rtc_widget.server.responders.responder import Responder

log = logging.getLogger(__name__)

MAX_STREAMS = 256
MAX_REPLIES = 200
"""Replies in one request."""

HEARTBEAT_SECONDS = 15.0
"""An empty line goes out so often, so that proxies keep the response open and both sides notice its end."""

GRACE_SECONDS = 10.0
"""So long a stream may be interrupted, as by a proxy, before its replies fail."""


class RemoteKernel(ReplyRequests):
    """The requests to one kernel."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._requests: dict[int, str] = {}
        self._last_batch = -1
        # Tells the kernel whether the ids of requests continue.
        self._id = secrets.token_hex(8)

    def send(self, kind: str, **fields: Any) -> None:
        """Send one message."""
        line = json.dumps({"type": kind, **fields}) + "\n"
        if kind == "reply_request":
            self._forget_ended()
            self._requests[fields["id"]] = line
        self._lines.put_nowait(line)

    def first_lines(self) -> list[str]:
        """Return what a response begins with: also the open requests, which the one before may have lost."""
        self._forget_ended()
        return [json.dumps({"type": "ready", "kernel": self._id}) + "\n", *self._requests.values()]

    def _forget_ended(self) -> None:
        self._requests = {request: line for request, line in self._requests.items() if self.is_awaited(request)}

    def is_repeated(self, batch: object) -> bool:
        """Return whether a batch of replies came before: its response was lost, and the kernel has sent it again."""
        if not isinstance(batch, int):
            return False
        is_repeated = batch <= self._last_batch
        self._last_batch = max(batch, self._last_batch)
        return is_repeated

    def replace(self) -> None:
        """End the response that reads the lines now, if any: the kernel has opened another one."""
        self._lines.put_nowait(None)

    async def lines(self) -> AsyncGenerator[str, None]:
        """Yield the lines for the kernel, until `replace`."""
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    line = await self._lines.get()
            except TimeoutError:
                line = "\n"
            if line is None:
                return
            yield line


class RemoteReplies:
    """The kernels whose functions reply; used on the server's loop."""

    def __init__(self) -> None:
        self._kernels: dict[str, RemoteKernel] = {}
        self._readers: dict[str, int] = {}

    def responder(self, stream: str, reply: str) -> Responder:
        """Return the responder of a function in the kernel that has opened a stream.

        Raises
        ------
        ApiError
            If no stream has this name.
        """
        return FunctionResponder(self._find(stream), reply)

    async def requests(self, stream: str) -> AsyncGenerator[str, None]:
        """Open a stream, or continue it after an interruption; yield its lines, the first one at once.

        Raises
        ------
        ApiError
            If the name is too short, or there are too many streams.
        """
        if len(stream) < 16:
            raise ApiError("The name of the stream must be a secret of at least 16 characters.", "invalid_value")
        if stream not in self._kernels and len(self._kernels) >= MAX_STREAMS:
            message = f"This server accepts at most {MAX_STREAMS} reply streams. Try again later."
            raise ApiError(message, "rate_limit_exceeded", status=429, kind="rate_limit_error")
        kernel = self._kernels.setdefault(stream, RemoteKernel())
        if self._readers.get(stream):
            kernel.replace()
        self._readers[stream] = self._readers.get(stream, 0) + 1
        return self._read(stream, kernel)

    async def _read(self, stream: str, kernel: RemoteKernel) -> AsyncGenerator[str, None]:
        try:
            for line in kernel.first_lines():
                yield line
            async for line in kernel.lines():
                yield line
        finally:
            self._readers[stream] -= 1
            asyncio.get_running_loop().call_later(GRACE_SECONDS, self._forget, stream, kernel)

    def _forget(self, stream: str, kernel: RemoteKernel) -> None:
        if not self._readers.get(stream) and self._kernels.get(stream) is kernel:
            del self._kernels[stream]
            self._readers.pop(stream, None)
            kernel.fail_all("The kernel with the reply function has left.")

    def receive(self, stream: str, body: bytes) -> None:
        """Take in replies: ``{"batch": 7, "replies": [...]}``; a batch that came before is passed over.

        Raises
        ------
        ApiError
            If no stream has this name, or the body has another form.
        """
        kernel = self._find(stream)
        try:
            message = json.loads(body)
            replies, batch = message["replies"], message.get("batch")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            replies = batch = None
        if not isinstance(replies, list) or len(replies) > MAX_REPLIES:
            raise ApiError(f"'replies' must be a list of at most {MAX_REPLIES} replies.", "invalid_value")
        if kernel.is_repeated(batch):
            return
        for reply in replies:
            if isinstance(reply, Mapping):
                kernel.receive({**reply, "type": "reply"})

    def _find(self, stream: str) -> RemoteKernel:
        kernel = self._kernels.get(stream)
        if kernel is None:
            message = "No kernel has opened this reply stream. Connect again."
            raise ApiError(message, "reply_stream_not_found", status=404)
        return kernel
