"""A Python function that answers: it runs in the process that asked for it, not in the server's."""

from __future__ import annotations

import asyncio
import inspect
import secrets
import threading
import weakref
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass
from typing import Any

ReplyCallback = Callable[[Any], Any]
"""Takes what a person said, or the whole conversation, and returns or yields what is to be said; sync or async."""

_CONVERSATION_NAMES = ("conversation", "messages")


@dataclass(frozen=True, slots=True)
class ReplyRequest:
    """What a function is to answer.

    Attributes
    ----------
    text : str
        What the person said last; empty when nobody said anything for the idle timeout.
    messages : list of dict
        The conversation as chat models take it: dictionaries with `role` and `content`, instructions first.
    """

    text: str
    messages: list[dict[str, Any]]


class ReplyFunction:
    """A function and where it runs.

    It runs on the event loop that was running where this was made (in a notebook: the kernel's main loop, so that the
    function sees the notebook's variables as cells do), else in a thread of its own.

    Attributes
    ----------
    id : str
        By which the server asks for it.

    Notes
    -----
    A function whose first parameter is called ``conversation`` or ``messages`` gets the whole conversation, as a list
    of dictionaries with `role` and `content`; any other gets what was said last, as a string.
    """

    def __init__(self, function: ReplyCallback) -> None:
        self.id = secrets.token_hex(8)
        self.name = getattr(function, "__name__", type(function).__name__)
        self._function = function
        self._wants_conversation = _wants_conversation(function)
        self._loop = _running_loop()
        _ALL[self.id] = self

    def ask(self, asked: ReplyRequest, on_piece: Callable[[str], None]) -> Future[None]:
        """Begin to answer; `on_piece` is called with each piece. May be called from any thread."""
        if self._loop is not None and self._loop.is_running():
            return asyncio.run_coroutine_threadsafe(self._call(asked, on_piece), self._loop)
        answer: Future[None] = Future()
        work = (asked, on_piece, answer)
        threading.Thread(target=self._call_in_thread, args=work, name="reply", daemon=True).start()
        return answer

    def _call_in_thread(self, asked: ReplyRequest, on_piece: Callable[[str], None], answer: Future[None]) -> None:
        async def call() -> None:
            loop, calling = asyncio.get_running_loop(), asyncio.current_task()

            def stop(done: Future[None]) -> None:
                if done.cancelled() and calling is not None:
                    with suppress(RuntimeError):  # the loop has closed: there is nothing left to be stopped
                        loop.call_soon_threadsafe(calling.cancel)

            # The future is never "running", since such a one cannot be cancelled.
            answer.add_done_callback(stop)
            await self._call(asked, on_piece)

        error: BaseException | None = None
        try:
            asyncio.run(call())
        except asyncio.CancelledError:
            answer.cancel()
        except Exception as raised:  # noqa: BLE001 - it is the person's function: whatever it raises is told
            error = raised
        with suppress(InvalidStateError):  # cancelled in this moment
            answer.set_result(None) if error is None else answer.set_exception(error)

    async def _call(self, asked: ReplyRequest, on_piece: Callable[[str], None]) -> None:
        try:
            await self._say(asked, on_piece)
        except (KeyboardInterrupt, SystemExit) as error:
            # Let through, it would end the kernel's loop and not only the answer.
            raise RuntimeError(f"the reply function {self.name} ended with {type(error).__name__}") from None

    async def _say(self, asked: ReplyRequest, on_piece: Callable[[str], None]) -> None:
        said: Any = self._function(asked.messages if self._wants_conversation else asked.text)
        if inspect.isawaitable(said):
            said = await said
        if isinstance(said, AsyncIterable):
            async with AsyncExitStack() as at_the_end:
                # Closed here, and not when it happens to be collected: who is interrupted can put things away.
                if isinstance(said, AsyncGenerator):
                    at_the_end.push_async_callback(said.aclose)
                async for piece in said:
                    on_piece(self._text(piece))
        elif isinstance(said, Iterable) and not isinstance(said, str | bytes | Mapping):
            with ExitStack() as at_the_end:
                if isinstance(said, Generator):
                    at_the_end.callback(said.close)
                for piece in said:
                    on_piece(self._text(piece))
                    await asyncio.sleep(0)  # between two pieces the kernel may do something else
        else:
            on_piece(self._text(said))

    def _text(self, said: object) -> str:
        if not isinstance(said, str):
            raise TypeError(f"The reply function {self.name} returned {type(said).__name__}, not str.")
        return said


def _wants_conversation(function: ReplyCallback) -> bool:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False  # a builtin without a signature
    return next(iter(parameters), "") in _CONVERSATION_NAMES


# Weak: a function that nobody calls any more is not kept alive, nor the notebook's variables it holds.
_ALL: weakref.WeakValueDictionary[str, ReplyFunction] = weakref.WeakValueDictionary()


def reply_function(reply_id: str) -> ReplyFunction | None:
    """Return the function of that id, if it is still there."""
    return _ALL.get(reply_id)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
