"""Messages on their way to the pages: those that answer one message travel as one.

Each message of the kernel costs the Jupyter server and the page some milliseconds (docs/performance.md, "Connect").
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rtc_widget.comm import protocol
from rtc_widget.comm.protocol import Message
from rtc_widget.kernel.io_thread import io_thread

COLLECTING_SECONDS = 0.002
"""How long what answers a message is collected: the time that the I/O thread takes for what it need not wait for."""


class Outgoing:
    """Sends messages in their order; callable from any thread.

    Parameters
    ----------
    transmit : callable
        Sends one message to all pages.
    """

    def __init__(self, transmit: Callable[[Message], None]) -> None:
        self._transmit = transmit
        self._lock = threading.RLock()
        self._collected: list[Message] | None = None

    def send(self, message: Message) -> None:
        """Send a message, with others if they are being collected."""
        with self._lock:
            if self._collected is not None:
                self._collected.append(message)
                return
            self._transmit(message)

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Collect what is sent meanwhile and a moment later, and send it as one message to each page."""
        with self._lock:
            if self._collected is None:
                self._collected = []
        try:
            yield
        finally:
            io_thread().call_later(COLLECTING_SECONDS, self._flush)

    def _flush(self) -> None:
        with self._lock:
            messages, self._collected = self._collected or [], None
            by_page: dict[str, list[Message]] = {}
            for message in messages:
                by_page.setdefault(message["page"], []).append(message)
            for page, those in by_page.items():
                self._transmit(those[0] if len(those) == 1 else protocol.bundle(page, those))
