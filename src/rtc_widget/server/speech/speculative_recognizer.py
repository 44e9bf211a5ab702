"""Recognition that starts at a pause, before the turn has ended."""

from __future__ import annotations

import asyncio

from rtc_widget._aiortc.audio import Samples
from rtc_widget.server.speech.engines import Engines


class SpeculativeRecognizer:
    """Recognizes a turn at a pause, so that the text is ready if the turn ends there."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._length = 0
        self._text: asyncio.Task[str] | None = None

    def recognize(self, samples: Samples) -> asyncio.Task[str]:
        """Start to recognize `samples`, cancel the recognition before it, and return the task."""
        self.drop()
        self._length = len(samples)
        self._text = asyncio.create_task(self._engines.recognize(samples))
        # If this fails, the whole turn is recognized later, and only that failure is reported.
        self._text.add_done_callback(lambda done: done.cancelled() or done.exception())
        return self._text

    async def result(self, samples: Samples) -> str:
        """Return the text of `samples`, the turn that has ended."""
        text, self._text = self._text, None
        # A turn only grows, so equal lengths mean equal turns.
        if text is not None and self._length == len(samples):
            return await text
        _cancel(text)
        return await self._engines.recognize(samples)

    def drop(self) -> None:
        """Cancel the recognition in progress."""
        _cancel(self._text)
        self._text = None


def _cancel(text: asyncio.Task[str] | None) -> None:
    if text is not None:
        text.cancel()
