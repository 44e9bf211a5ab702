"""A Python function that answers: it runs in the process that asked for it, not in the server's."""

from __future__ import annotations

import asyncio
import inspect
import secrets
import threading
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any

Reply = Callable[[str], str] | Callable[[str], Awaitable[str]]
"""Takes what a person said and returns what is to be said; sync or async."""


class ReplyFunction:
    """A function and where it runs.

    It runs on the event loop that was running where this was made (in a notebook: the kernel's main loop, so that the
    function sees the notebook's variables as cells do), else in a thread of its own.

    Attributes
    ----------
    id : str
        By which the server asks for it.
    """

    def __init__(self, function: Reply) -> None:
        self.id = secrets.token_hex(8)
        self.name = getattr(function, "__name__", type(function).__name__)
        self._function = function
        self._loop = _running_loop()
        _ALL[self.id] = self

    def ask(self, text: str) -> Future[str]:
        """Begin to answer `text`; may be called from any thread."""
        if self._loop is not None and self._loop.is_running():
            return asyncio.run_coroutine_threadsafe(self._call(text), self._loop)
        answer: Future[str] = Future()
        threading.Thread(target=self._call_in_thread, args=(text, answer), name="reply", daemon=True).start()
        return answer

    def _call_in_thread(self, text: str, answer: Future[str]) -> None:
        if not answer.set_running_or_notify_cancel():
            return
        try:
            answer.set_result(asyncio.run(self._call(text)))
        except Exception as error:  # noqa: BLE001 - it is the person's function: whatever it raises is told
            answer.set_exception(error)

    async def _call(self, text: str) -> str:
        said: Any = self._function(text)
        if inspect.isawaitable(said):
            said = await said
        if not isinstance(said, str):
            raise TypeError(f"The reply function {self.name} returned {type(said).__name__}, not str.")
        return said


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
