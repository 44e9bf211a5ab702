"""Threads with a loop of their own, so that a busy notebook cell never holds up a call."""

from __future__ import annotations

import asyncio
import concurrent.futures.thread  # noqa: F401 - registers its own end now, before ours
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")

_EXIT_SECONDS = 2.0
_own_loops: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()


def users_loop() -> asyncio.AbstractEventLoop:
    """Return the loop that runs here, if it is the user's: nothing of theirs may hold up ours.

    Raises
    ------
    RuntimeError
        If none runs here, or one of this package's own threads.
    """
    loop = asyncio.get_running_loop()
    if loop in _own_loops:
        raise RuntimeError("no event loop of yours is running")
    return loop


class IoThread:
    """An asyncio loop on a daemon thread of its own."""

    def __init__(self, name: str = "rtc_widget-io") -> None:
        self._loop = asyncio.new_event_loop()
        _own_loops.add(self._loop)
        self._exit_callbacks: set[weakref.WeakMethod[Callable[[], Future[None]]]] = set()
        threading.Thread(target=self._loop.run_forever, name=name, daemon=True).start()
        # At `atexit` it would be too late: no thread pool works any more, and looking up a host name needs one. This is
        # the hook by which the pools themselves are told; the last to register (they did on import) is called first.
        threading._register_atexit(self._run_exit_callbacks)  # type: ignore[attr-defined]

    def run(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine there; callable from any thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Call a function there soon; callable from any thread."""
        self._loop.call_soon_threadsafe(function, *arguments)

    def at_exit(self, callback: Callable[[], Future[None]]) -> None:
        """Call a method when the interpreter exits and wait for its future, two seconds at most.

        Only a weak reference is kept.
        """
        self._exit_callbacks.add(weakref.WeakMethod(callback, self._exit_callbacks.discard))

    def _run_exit_callbacks(self) -> None:
        methods = [method for reference in list(self._exit_callbacks) if (method := reference()) is not None]
        # References that die later, when the interpreter is half gone, would complain aloud.
        self._exit_callbacks.clear()
        wait([method() for method in methods], timeout=_EXIT_SECONDS)


@cache
def io_thread() -> IoThread:
    """Return the one thread on which this package talks to servers, started at first use."""
    return IoThread()
