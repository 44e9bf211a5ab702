"""Requests of a server to a reply function in another process, and the responder that uses them.

The server sends `reply_request` and `reply_cancel`; the other process sends, piece by piece, `reply`. How the messages
travel is up to the subclass: `parent_pipe`, `remote_replies`.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from rtc_widget.server.responders.chat_messages import chat_messages
from rtc_widget.server.responders.responder import Question, RequestedToolCall

REPLY_SECONDS = 60.0
"""Longest time between two pieces of a reply."""


class ReplyFailed(Exception):
    """The reply function failed. The message gives the reason."""


class ReplyRequests:
    """The requests to one process; used on the server's loop."""

    def __init__(self) -> None:
        self._ids = itertools.count()
        self._waiting: dict[int, asyncio.Queue[Mapping[str, Any]]] = {}

    def send(self, kind: str, **fields: Any) -> None:
        """Send one message; does not wait."""
        raise NotImplementedError

    async def request_reply(self, reply: str, text: str, messages: list[dict[str, Any]]) -> AsyncGenerator[str, None]:
        """Call the function with the id `reply` in the other process and yield its text, piece by piece.

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

    def receive(self, message: Mapping[str, Any]) -> None:
        """Take in a message of the other process."""
        request = message.get("id")
        pieces = self._waiting.get(request) if isinstance(request, int) else None
        if message.get("type") == "reply" and pieces is not None:
            pieces.put_nowait(message)

    def is_awaited(self, request: int) -> bool:
        """Return whether a request still waits for pieces."""
        return request in self._waiting

    def fail_all(self, reason: str) -> None:
        """End all replies that are awaited."""
        for pieces in self._waiting.values():
            pieces.put_nowait({"error": reason})


class FunctionResponder:
    """A `Responder` that calls a function in another process."""

    def __init__(self, requests: ReplyRequests, reply: str) -> None:
        self._requests = requests
        self._reply = reply

    async def respond(self, question: Question) -> AsyncGenerator[str | RequestedToolCall, None]:
        """Yield the text of the function."""
        pieces = self._requests.request_reply(self._reply, question.text, chat_messages(question))
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece
