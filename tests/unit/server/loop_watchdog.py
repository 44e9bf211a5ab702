"""Finds code of the server that waits for a lock, a process or a file on the thread of an event loop.

While it waits, no call of the server hears or speaks. The watchdog looks at what is called and not at how long it
takes, so that its verdict is the same on a busy machine.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import rtc_widget
from tests import speech

PACKAGE = Path(rtc_widget.__file__).parent
OURS = (str(PACKAGE / "server"), str(PACKAGE / "_aiortc"))

NOT_THE_SERVER = (logging.__file__, speech.__file__)

BLOCKING_EVENTS = frozenset({"open", "subprocess.Popen", "socket.getaddrinfo", "socket.gethostbyname", "os.system"})
"""Audit events (PEP 578) of calls that wait for the system."""


class BlocksTheLoop(AssertionError):
    """Raised in place of the wait, which might never end."""


def is_on_a_loop() -> bool:
    """Whether the calling thread runs an event loop now."""
    return asyncio._get_running_loop() is not None


def caller() -> str:
    """Return the innermost place in the server on the stack; empty if the wait is not one of the server's own."""
    place = ""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        # An import reads files, and the start of a thread waits for it; both are as short as they can be. The handlers
        # of the log are those of pytest; that of the server has a thread, see `rtc_widget.server.logs`. A person in a
        # test speaks with the engines of the server.
        is_start = code.co_filename == threading.__file__ and code.co_name == "start"
        if is_start or "importlib" in code.co_filename or code.co_filename in NOT_THE_SERVER:
            return ""
        if not place and code.co_filename.startswith(OURS):
            place = f"{code.co_filename}:{frame.f_lineno} in {code.co_name}"
        frame = frame.f_back
    return place


class Watchdog:
    """Keeps what was called; `watching` looks."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def check(self, what: str) -> None:
        if is_on_a_loop() and (place := caller()):
            self.found.append(f"{what} on the event loop: {place}")
            raise BlocksTheLoop(self.found[-1])


class CheckedLock:
    """A lock of the server: an event loop may try it but not wait for it."""

    def __init__(self, lock: Any, watchdog: Watchdog) -> None:
        self._lock = lock
        self._watchdog = watchdog

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if blocking:
            self._watchdog.check("a lock is taken")
        return bool(self._lock.acquire(blocking, timeout))

    def release(self) -> None:
        self._lock.release()

    def locked(self) -> bool:
        return bool(self._lock.locked())

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


_current: Watchdog | None = None


def _audit(event: str, _: tuple[Any, ...]) -> None:
    if _current is not None and event in BLOCKING_EVENTS:
        _current.check(event)


_is_hooked: list[bool] = []


@contextmanager
def watching() -> Iterator[Watchdog]:
    """Look at all calls until the end of the block."""
    global _current
    watchdog = Watchdog()
    if not _is_hooked:  # a hook cannot be removed again
        sys.addaudithook(_audit)
        _is_hooked.append(True)
    _current = watchdog
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(threading, "Lock", _locks(threading.Lock, watchdog))
            patch.setattr(threading, "RLock", _locks(threading.RLock, watchdog))
            for owner, name in [
                (time, "sleep"),
                (threading.Event, "wait"),
                (queue.Queue, "get"),
                (subprocess.Popen, "wait"),
                (subprocess.Popen, "communicate"),
                (concurrent.futures, "wait"),
            ]:
                patch.setattr(owner, name, _checked(getattr(owner, name), name, watchdog))
            patch.setattr(concurrent.futures.Future, "result", _checked_result(watchdog))
            patch.setattr(threading.Thread, "join", _checked_join(watchdog))
            yield watchdog
    finally:
        _current = None


def _locks(create: Callable[[], Any], watchdog: Watchdog) -> Callable[[], Any]:
    def lock() -> Any:
        # Only the locks of the server: those of Python's own pools are held for microseconds.
        is_ours = sys._getframe(1).f_code.co_filename.startswith(OURS)
        return CheckedLock(create(), watchdog) if is_ours else create()

    return lock


def _checked(function: Callable[..., Any], name: str, watchdog: Watchdog) -> Callable[..., Any]:
    def checked(*arguments: Any, **named: Any) -> Any:
        watchdog.check(name)
        return function(*arguments, **named)

    return checked


def _checked_result(watchdog: Watchdog) -> Callable[..., Any]:
    whole = concurrent.futures.Future.result

    def result(self: Any, timeout: float | None = None) -> Any:
        if not self.done():
            watchdog.check("Future.result")
        return whole(self, timeout)

    return result


def _checked_join(watchdog: Watchdog) -> Callable[..., Any]:
    whole = threading.Thread.join

    def join(self: threading.Thread, timeout: float | None = None) -> None:
        if self.is_alive():
            watchdog.check("Thread.join")
        whole(self, timeout)

    return join
