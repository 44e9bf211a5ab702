"""A Python function as responder. It runs in the parent process, not in the server."""

from __future__ import annotations

import asyncio
import inspect
import secrets
import threading
import weakref
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import AsyncExitStack, ExitStack, suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

ReplyCallback = Callable[[Any], Any]
"""Takes the last user message, or the whole conversation, and returns or yields text; sync or async."""

_CONVERSATION_NAMES = ("conversation", "messages")


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """The input of a reply function.

    Attributes
    ----------
    text : str
        The last user message; empty after the idle timeout.
    messages : list of dict
        The conversation as dictionaries with `role` and `content`, instructions first.
    """

    text: str
    messages: list[dict[str, Any]]


class ReplyFunction:
    """A function and the event loop on which it runs.

    The function runs on the event loop that was running when this object was created, or in a new thread if there was
    none. In a notebook that is the main loop of the kernel, so the function sees the variables of the notebook.

    Attributes
    ----------
    id : str
        The id by which the server calls the function.
    name : str
        The name of the function, for error messages.

    Notes
    -----
    If the first parameter is called ``conversation`` or ``messages``, the function gets the whole conversation: a list
    of dictionaries with `role` and `content`. Any other function gets the last user message as a string.
    """

    def __init__(self, function: ReplyCallback) -> None:
        self.id = secrets.token_hex(8)
        self.name = getattr(function, "__name__", type(function).__name__)
        self._function = function
        self._wants_conversation = _wants_conversation(function)
        self._loop = _running_loop()
        # Of the cell that defines the function: its output appears there.
        self._context = copy_context()
        _ALL[self.id] = self

    def call(self, request: ReplyRequest, on_piece: Callable[[str], None]) -> Future[None]:
        """Start a reply and call `on_piece` with each piece; may be called from any thread."""
        if self._loop is not None and self._loop.is_running():
            work = self._call(request, on_piece)
            return self._context.copy().run(asyncio.run_coroutine_threadsafe, work, self._loop)
        reply: Future[None] = Future()
        arguments = (self._call_in_thread, request, on_piece, reply)
        threading.Thread(target=self._context.copy().run, args=arguments, name="reply", daemon=True).start()
        return reply

    def _call_in_thread(self, request: ReplyRequest, on_piece: Callable[[str], None], reply: Future[None]) -> None:
        async def run() -> None:
            loop, calling = asyncio.get_running_loop(), asyncio.current_task()

            def stop(done: Future[None]) -> None:
                if done.cancelled() and calling is not None:
                    with suppress(RuntimeError):  # the loop has closed, so the function has ended
                        loop.call_soon_threadsafe(calling.cancel)

            # The future is never set to running, because a running one cannot be cancelled.
            reply.add_done_callback(stop)
            await self._call(request, on_piece)

        error: BaseException | None = None
        try:
            asyncio.run(run())
        except asyncio.CancelledError:
            reply.cancel()
        except Exception as raised:  # noqa: BLE001 - a function of the user may raise anything
            error = raised
        with suppress(InvalidStateError):  # cancelled meanwhile
            reply.set_result(None) if error is None else reply.set_exception(error)

    async def _call(self, request: ReplyRequest, on_piece: Callable[[str], None]) -> None:
        try:
            await self._run(request, on_piece)
        except (KeyboardInterrupt, SystemExit) as error:
            # Otherwise it would end the loop of the kernel, not only the reply.
            raise RuntimeError(f"the reply function {self.name} ended with {type(error).__name__}") from None

    async def _run(self, request: ReplyRequest, on_piece: Callable[[str], None]) -> None:
        result: Any = self._function(request.messages if self._wants_conversation else request.text)
        if inspect.isawaitable(result):
            result = await result
        if isinstance(result, AsyncIterable):
            async with AsyncExitStack() as at_the_end:
                # Close it here, not at garbage collection, so that an interrupted function can clean up at once.
                if isinstance(result, AsyncGenerator):
                    at_the_end.push_async_callback(result.aclose)
                async for piece in result:
                    on_piece(self._text(piece))
        elif isinstance(result, Iterable) and not isinstance(result, str | bytes | Mapping):
            with ExitStack() as at_the_end:
                if isinstance(result, Generator):
                    at_the_end.callback(result.close)
                for piece in result:
                    on_piece(self._text(piece))
                    await asyncio.sleep(0)  # let other tasks of the kernel run
        else:
            on_piece(self._text(result))

    def _text(self, result: object) -> str:
        if not isinstance(result, str):
            raise TypeError(f"The reply function {self.name} must return str, got {type(result).__name__}.")
        return result


def _wants_conversation(function: ReplyCallback) -> bool:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False  # a built-in function without a signature
    return next(iter(parameters), "") in _CONVERSATION_NAMES


# Weak references, so that an unused function, and the variables it holds, can be collected.
_ALL: weakref.WeakValueDictionary[str, ReplyFunction] = weakref.WeakValueDictionary()


def reply_function(reply_id: str) -> ReplyFunction | None:
    """Return the function with that id, or None if it no longer exists."""
    return _ALL.get(reply_id)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
