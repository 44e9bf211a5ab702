"""The server's end of the pipe to its parent process, and the responder that uses it.

Each line is one JSON object. The server sends `progress`, `ready`, `reply_request` and `reply_cancel`; the parent sends
`start` and, piece by piece, `reply`. When the parent ends for any reason, the pipe closes and the server ends. The
other end is `rtc_widget.server.process`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import queue
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, BinaryIO

from rtc_widget.server.responders.chat_messages import chat_messages
from rtc_widget.server.responders.responder import Question, RequestedToolCall

log = logging.getLogger(__name__)

REPLY_SECONDS = 60.0
"""Longest time between two pieces of a reply."""


class ReplyFailed(Exception):
    """The reply function failed. The message gives the reason."""


class ParentPipe:
    """The connection to the parent process.

    It takes over standard output, so create it before importing modules that print.
    """

    def __init__(self) -> None:
        self._input: BinaryIO = sys.stdin.buffer
        # All other output, also of native code, now goes to standard error, which the parent keeps as a log.
        self._output: BinaryIO = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)
        # A busy parent may not read for seconds, and the pipe is then full: the event loop must not wait for it.
        self._unsent: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._write, name="control-output", daemon=True).start()
        self._ids = itertools.count()
        self._waiting: dict[int, asyncio.Queue[dict[str, Any]]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def token(self) -> str:
        """Return the token, the first message. Other processes could read it in the arguments or the environment."""
        line = self._input.readline()
        if not line:
            raise SystemExit(0)
        return str(json.loads(line)["token"])

    def listen(self) -> None:
        """Receive messages on the running loop; end this process when the pipe closes."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, name="control", daemon=True).start()

    def send(self, kind: str, **fields: Any) -> None:
        """Send one message to the parent, from a thread of its own; does not wait."""
        self._unsent.put((json.dumps({"type": kind, **fields}) + "\n").encode())

    async def request_reply(self, reply: str, text: str, messages: list[dict[str, Any]]) -> AsyncGenerator[str, None]:
        """Call the function with the id `reply` in the parent process and yield its text, piece by piece.

        Raises
        ------
        ReplyFailed
            When the function raises, or yields nothing for `REPLY_SECONDS`.
        """
        request = next(self._ids)
        pieces = self._waiting[request] = asyncio.Queue()
        self.send("reply_request", id=request, reply=reply, text=text, messages=messages)
        has_ended = False
        try:
            while True:
                # Not `wait_for`: in Python 3.11 it loses a cancellation that arrives together with a piece.
                async with asyncio.timeout(REPLY_SECONDS):
                    message = await pieces.get()
                has_ended = "piece" not in message
                if message.get("error") is not None:
                    raise ReplyFailed(str(message["error"]))
                if has_ended:
                    return
                yield str(message["piece"])
        except TimeoutError:
            raise ReplyFailed(
                f"The reply function did not reply within {REPLY_SECONDS:.0f} seconds; "
                "the kernel may be busy with a cell."
            ) from None
        finally:
            del self._waiting[request]
            if not has_ended:
                self.send("reply_cancel", id=request)

    def _write(self) -> None:
        while True:
            line = memoryview(self._unsent.get())
            try:
                while line:
                    line = line[self._output.write(line) :]  # unbuffered, so it may write less
            except BrokenPipeError:
                os._exit(0)

    def _read(self) -> None:
        for line in self._input:
            try:
                message = json.loads(line)
            except ValueError:
                log.warning("a line from the parent is not JSON")  # without its content, which may be private
                continue
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._receive, message)
        # Exit without ending the calls: their client, the kernel, is gone.
        os._exit(0)

    def _receive(self, message: dict[str, Any]) -> None:
        pieces = self._waiting.get(message.get("id", -1))
        if message.get("type") == "reply" and pieces is not None:
            pieces.put_nowait(message)


class PipeResponder:
    """A `Responder` that calls a function in the parent process."""

    def __init__(self, parent: ParentPipe, reply: str) -> None:
        self._parent = parent
        self._reply = reply

    async def respond(self, question: Question) -> AsyncGenerator[str | RequestedToolCall, None]:
        """Yield the text of the function."""
        pieces = self._parent.request_reply(self._reply, question.text, chat_messages(question))
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece
