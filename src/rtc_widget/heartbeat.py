"""Signs of life between the kernel and the page that holds a call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future

from rtc_widget.io_thread import io_thread

BEAT_SECONDS = 5.0


class Heartbeat:
    """Calls `beat` every few seconds while it runs; on the I/O thread, so that a busy cell does not stop it."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._running: Future[None] | None = None

    def run(self, wanted: bool) -> None:
        """Start or stop; harmless to repeat. Callable from any thread."""
        if wanted and self._running is None:
            self._running = io_thread().run(self._go_on())
        elif not wanted and self._running is not None:
            self._running.cancel()
            self._running = None

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            self._beat()
