"""Messages to the pages that are sent while one of a page is processed travel as one.

Each message of the kernel costs the Jupyter server and the page some milliseconds (docs/performance.md, "Connect").
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rtc_widget.comm import protocol
from rtc_widget.comm.protocol import Message


class MessageCollector:
    """Sends messages; callable from any thread. Each thread collects its own, so that none waits for another.

    Parameters
    ----------
    transmit : callable
        Sends one message to all pages.
    """

    def __init__(self, transmit: Callable[[Message], None]) -> None:
        self._transmit = transmit
        self._thread = threading.local()

    def send(self, message: Message) -> None:
        """Send a message, or collect it if this thread collects."""
        collected: list[Message] | None = getattr(self._thread, "collected", None)
        if collected is None:
            self._transmit(message)
        else:
            collected.append(message)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Collect what this thread sends meanwhile; at the end, each page gets its messages as one.

        Raises
        ------
        ExceptionGroup
            If messages could not be sent; the others were.
        """
        if getattr(self._thread, "collected", None) is not None:
            yield
            return
        collected: list[Message] = []
        self._thread.collected = collected
        try:
            yield
        finally:
            self._thread.collected = None
            self._send_together(collected)

    def _send_together(self, messages: Sequence[Message]) -> None:
        by_page: dict[str, list[Message]] = {}
        for message in messages:
            by_page.setdefault(message["page"], []).append(message)
        failures: list[Exception] = []
        for page, those in by_page.items():
            try:
                self._transmit(those[0] if len(those) == 1 else protocol.bundle(page, those))
            except Exception:  # noqa: BLE001 - one message must not take others with it
                failures += self._send_singly(those)
        if failures:
            raise ExceptionGroup("Messages to a page could not be sent.", failures)

    def _send_singly(self, messages: Sequence[Message]) -> list[Exception]:
        failures: list[Exception] = []
        for message in messages:
            try:
                self._transmit(message)
            except Exception as error:  # noqa: BLE001 - raised by the caller
                failures.append(error)
        return failures
