"""The server's end of the pipe to the process that started it.

One JSON object a line. To the parent go `progress`, `ready`, `reply_request` and `reply_cancel`; from it come `start`
and, piece by piece, `reply`. When the parent ends, however it ends, the pipe does too, and the server with it. The
other end is `rtc_widget.server.process`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, BinaryIO

from rtc_widget.server.responders.chat_messages import chat_messages
from rtc_widget.server.responders.responder import Question, RequestedToolCall

log = logging.getLogger(__name__)

REPLY_SECONDS = 60.0


class ReplyFailed(Exception):
    """The function that was to reply did not; the message says why."""


class ParentPipe:
    """Speaks with the parent process.

    Create it before anything that prints is imported: from then on the real standard output is the pipe's alone.
    """

    def __init__(self) -> None:
        self._input: BinaryIO = sys.stdin.buffer
        # Whatever else prints, natively too, now goes to standard error, which the parent keeps as a log.
        self._output: BinaryIO = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)
        self._ids = itertools.count()
        self._waiting: dict[int, asyncio.Queue[dict[str, Any]]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def token(self) -> str:
        """Return the token that the parent sends first: a secret has no place in arguments or environment."""
        line = self._input.readline()
        if not line:
            raise SystemExit(0)
        return str(json.loads(line)["token"])

    def listen(self) -> None:
        """Begin to take the parent's messages on the running loop; end the process when there are no more."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, name="control", daemon=True).start()

    def send(self, kind: str, **fields: Any) -> None:
        """Send one message to the parent."""
        line = json.dumps({"type": kind, **fields}) + "\n"
        try:
            self._output.write(line.encode())
        except BrokenPipeError:
            os._exit(0)

    async def ask(self, reply: str, text: str, messages: list[dict[str, Any]]) -> AsyncGenerator[str, None]:
        """Have the parent's function `reply` answer, and yield what it says, piece by piece.

        Raises
        ------
        ReplyFailed
            When the function raises, or says nothing for too long.
        """
        request = next(self._ids)
        pieces = self._waiting[request] = asyncio.Queue()
        self.send("reply_request", id=request, reply=reply, text=text, messages=messages)
        has_ended = False
        try:
            while True:
                # Not `wait_for`: that of Python 3.11 loses an interruption that comes together with a piece.
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
                f"The reply function did not answer within {REPLY_SECONDS:.0f} seconds; "
                "perhaps the kernel is busy with a cell."
            ) from None
        finally:
            del self._waiting[request]
            if not has_ended:
                self.send("reply_cancel", id=request)

    def _read(self) -> None:
        for line in self._input:
            try:
                message = json.loads(line)
            except ValueError:
                log.warning("a line from the parent is no JSON")  # and nothing of it here: it may hold what was said
                continue
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._take, message)
        # At once, without waiting for calls to end in order: nobody is left to whom they could matter.
        os._exit(0)

    def _take(self, message: dict[str, Any]) -> None:
        pieces = self._waiting.get(message.get("id", -1))
        if message.get("type") == "reply" and pieces is not None:
            pieces.put_nowait(message)


class PipeResponder:
    """A `Responder`: a function of the parent process."""

    def __init__(self, parent: ParentPipe, reply: str) -> None:
        self._parent = parent
        self._reply = reply

    async def answer(self, question: Question) -> AsyncGenerator[str | RequestedToolCall, None]:
        """Yield what the function says."""
        said = self._parent.ask(self._reply, question.text, chat_messages(question))
        async with aclosing(said):
            async for piece in said:
                yield piece
