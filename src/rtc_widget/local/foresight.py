"""Recognising a turn before it is known that it has ended.

Most silences of a fifth of a second within a turn are its end. While the detector waits for the rest of the silence,
the recogniser can work: the time that it takes is hidden.
"""

from __future__ import annotations

import asyncio

from rtc_widget.local.speech import Samples
from rtc_widget.local.speech.engines import Engines


class Foresight:
    """Recognises what may be a whole turn, and has the text ready if it is."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._length = 0
        self._text: asyncio.Task[str] | None = None

    def recognize(self, samples: Samples) -> asyncio.Task[str]:
        """Begin to recognise `samples` and return what will be known; what was begun before was no whole turn."""
        self.drop()
        self._length = len(samples)
        self._text = asyncio.create_task(self._engines.recognize(samples))
        # An engine that failed over a piece of a turn is asked again over the whole, and reported then.
        self._text.add_done_callback(lambda done: done.cancelled() or done.exception())
        return self._text

    async def result(self, samples: Samples) -> str:
        """Return what is said in `samples`: the turn that has ended."""
        text, self._text = self._text, None
        # A turn only grows, so one of the same length is the same.
        if text is not None and self._length == len(samples):
            return await text
        _drop(text)
        return await self._engines.recognize(samples)

    def drop(self) -> None:
        """Forget what was begun."""
        _drop(self._text)
        self._text = None


def _drop(text: asyncio.Task[str] | None) -> None:
    if text is not None:
        text.cancel()
