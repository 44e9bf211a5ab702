"""Speech that is synthesized at a pause, before the turn has ended."""

from __future__ import annotations

import asyncio

from rtc_widget._aiortc.audio import MonoAudio
from rtc_widget.server.speech.engines import Engines


class SpeculativeSpeaker:
    """Synthesizes a text that may be said next, so that its speech is ready if it is."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._request: tuple[str, str, float] | None = None
        self._audio: asyncio.Task[MonoAudio] | None = None

    def prepare(self, text: str, *, voice: str, speed: float) -> None:
        """Start to synthesize `text`, in place of an earlier one that was not said."""
        if self._request == (text, voice, speed):
            return
        self.drop()
        self._request = (text, voice, speed)
        self._audio = asyncio.create_task(self._engines.speak(text, voice=voice, speed=speed))
        # If this fails, the text is synthesized again, and only that failure is reported.
        self._audio.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def speak(self, text: str, *, voice: str, speed: float) -> MonoAudio:
        """Return the speech for `text`, which may be prepared."""
        prepared = self._audio
        if prepared is not None and self._request == (text, voice, speed):
            self._request = self._audio = None
            try:
                await asyncio.wait({prepared})
            finally:
                prepared.cancel()
            if not prepared.cancelled() and prepared.exception() is None:
                return prepared.result()
        return await self._engines.speak(text, voice=voice, speed=speed)

    def drop(self) -> None:
        """Discard what is prepared."""
        if self._audio is not None:
            self._audio.cancel()
        self._request = self._audio = None
