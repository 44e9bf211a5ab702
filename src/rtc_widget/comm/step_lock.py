"""The lock of a bridge: what its holder hands to the main loop runs after the lock is released."""

from __future__ import annotations

from threading import RLock

from rtc_widget.kernel.main_loop import MainLoop


class StepLock:
    """A reentrant lock. While a thread holds it, the functions that it calls on `main` wait.

    Without a running loop they would run at once, and one of another thread may wait for this very lock.
    """

    def __init__(self, main: MainLoop) -> None:
        self._main = main
        self._lock = RLock()

    def __enter__(self) -> None:
        self._main.hold_back()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        self._main.let_go()
