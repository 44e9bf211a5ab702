"""Threads with their own event loops, so that a busy notebook cell never delays a call."""

from __future__ import annotations

import asyncio
import concurrent.futures.thread  # noqa: F401 - registers its exit hook before this module
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
    """Return the running loop, unless it belongs to this package: user code must not block those.

    Raises
    ------
    RuntimeError
        If no loop runs here, or the loop is one of this package.
    """
    loop = asyncio.get_running_loop()
    if loop in _own_loops:
        raise RuntimeError("no event loop of the user is running")
    return loop


class IoThread:
    """An asyncio loop on its own daemon thread."""

    def __init__(self, name: str = "rtc_widget-io") -> None:
        self._loop = asyncio.new_event_loop()
        _own_loops.add(self._loop)
        self._exit_callbacks: set[weakref.WeakMethod[Callable[[], Future[None]]]] = set()
        threading.Thread(target=self._loop.run_forever, name=name, daemon=True).start()
        # `atexit` is too late: thread pools have ended by then, and resolving a host name needs one. The pools use this
        # hook as well (registered on import); the hook that was registered last runs first.
        threading._register_atexit(self._run_exit_callbacks)  # type: ignore[attr-defined]

    def run(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine on this thread; callable from any thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Call a function on this thread soon; callable from any thread."""
        self._loop.call_soon_threadsafe(function, *arguments)

    def at_exit(self, callback: Callable[[], Future[None]]) -> None:
        """Call a method when the interpreter exits and wait for its future, two seconds at most.

        Only a weak reference is kept.
        """
        self._exit_callbacks.add(weakref.WeakMethod(callback, self._exit_callbacks.discard))

    def _run_exit_callbacks(self) -> None:
        methods = [method for reference in list(self._exit_callbacks) if (method := reference()) is not None]
        # References that die during the interpreter's exit would print errors.
        self._exit_callbacks.clear()
        wait([method() for method in methods], timeout=_EXIT_SECONDS)


@cache
def io_thread() -> IoThread:
    """Return the thread on which this package connects to servers; starts at first use."""
    return IoThread()
