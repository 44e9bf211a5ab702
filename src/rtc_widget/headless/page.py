"""The page of one widget without a browser."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any
from uuid import uuid4

from rtc_widget.comm.protocol import PROTOCOL, Message
from rtc_widget.comm.settings import CallSettings
from rtc_widget.errors import HeadlessNotInstalled
from rtc_widget.kernel.io_thread import IoThread

_NEEDED = ("aiortc", "av", "numpy")


@cache
def page_thread() -> IoThread:
    """Return the thread of all headless pages; starts at first use."""
    return IoThread("rtc_widget-page")


class ThreadPage(ABC):
    """A page in the kernel's own process, on the thread of such pages; the base of both widgets' pages."""

    def __init__(self) -> None:
        self._thread = page_thread()
        self._id = f"h{uuid4().hex[:12]}"
        self._send: Callable[[Message], None] | None = None
        self._session: Any = None

    @abstractmethod
    def _make_session(self, page: str, send: Callable[[Message], None]) -> Any:
        """Return an object with `receive` and `close`; called on the page's thread."""

    def open(self, send: Callable[[Message], None]) -> None:
        """Say hello to the widget."""
        self._send = send
        self._thread.call(self._open, send)
        # At once, on this thread: the next line of the caller may already need a page.
        send({"type": "hello", "page": self._id, "protocol": PROTOCOL})
        self._thread.at_exit(self._end)

    def hear(self, message: Message) -> None:
        """Receive a message of the widget."""
        if self._session is None and self._send is not None:
            # The session is still loading; the widget must not count the page as silent.
            self._send({"type": "pong", "page": self._id, "time_ms": time.time() * 1000})
        self._thread.call(self._deliver, message)

    def close(self) -> None:
        """End everything, and send nothing more."""
        self._end()

    # On the page's thread

    def _open(self, send: Callable[[Message], None]) -> None:
        self._session = self._make_session(self._id, send)

    def _deliver(self, message: Message) -> None:
        if self._session is not None:
            self._session.receive(message)

    def _end(self) -> Any:
        return self._thread.run(self._close())

    async def _close(self) -> None:
        if self._session is not None:
            await self._session.close()


class HeadlessPage(ThreadPage):
    """The page of one widget in the kernel's own process: ``VoiceChat(page="headless")``.

    Parameters
    ----------
    approve : bool or callable
        Whether tools that need permission may run, since no user can be asked; or a function of a tool's name and
        arguments that decides. It is called on the page's thread.

    Raises
    ------
    HeadlessNotInstalled
        If the extra ``local`` is missing.
    """

    name = "headless"
    makes_calls = True

    def __init__(self, *, approve: bool | Callable[[str, Mapping[str, Any]], bool] = False) -> None:
        missing = [name for name in _NEEDED if find_spec(name) is None]
        if missing:
            raise HeadlessNotInstalled(f"A headless page needs {', '.join(missing)}.")
        super().__init__()
        self._settings: Mapping[str, Any] = CallSettings().to_wire()
        self._approve = approve

    def take_settings(self, settings: Mapping[str, Any]) -> None:
        """Use the widget's settings."""
        self._settings = dict(settings)
        self._thread.call(self._deliver_settings)

    # On the page's thread

    def _make_session(self, page: str, send: Callable[[Message], None]) -> Any:
        # On this thread, since importing aiortc takes most of a second.
        from rtc_widget.headless.session import PageSession

        return PageSession(page, send, self._settings, self._decide)

    def _decide(self, request: Message) -> bool:
        if callable(self._approve):
            return bool(self._approve(request["name"], request["arguments"]))
        return self._approve

    def _deliver_settings(self) -> None:
        if self._session is not None:
            self._session.take_settings(self._settings)
