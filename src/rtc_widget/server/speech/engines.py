"""The speech engines of a server: loaded once, warmed up, and run in worker threads."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field

import numpy as np

from rtc_widget._aiortc.audio import MonoAudio, Samples
from rtc_widget.server.speech import INPUT_RATE, Recognizer, Speaker, VoiceDetector
from rtc_widget.server.speech.memory import release_file_pages, return_free_memory
from rtc_widget.server.speech.subprocess_engines import EngineProcesses, SubprocessRecognizer, SubprocessSpeaker

log = logging.getLogger(__name__)

MAX_PIECE_LENGTH = 30 * INPUT_RATE
MAX_SPARE_DETECTORS = 2
"""How many voice detectors are kept while no call uses them; each takes 9 MB."""


def _one_thread(name: str) -> Callable[[], ThreadPoolExecutor]:
    # One thread per engine keeps the order of its work, and engines are not thread-safe. The thread waits for the
    # process of the engine, or runs an engine in this process.
    return lambda: ThreadPoolExecutor(1, thread_name_prefix=name)


@dataclass(slots=True)
class Engines:
    """The speech engines of calls.

    Attributes
    ----------
    recognizer, speaker
        Shared by all calls; used in worker threads only.
    new_voice_detector : callable
        Creates a `VoiceDetector`; no two calls may use one at a time.
    """

    recognizer: Recognizer
    speaker: Speaker
    new_voice_detector: Callable[[], VoiceDetector]
    _spare_detectors: deque[VoiceDetector] = field(default_factory=deque)
    _recognizing: ThreadPoolExecutor = field(default_factory=_one_thread("recognizing"))
    _speaking: ThreadPoolExecutor = field(default_factory=_one_thread("speaking"))

    async def recognize(self, samples: Samples) -> str:
        """Return the text of the speech in `samples` (16 kHz)."""
        loop = asyncio.get_running_loop()
        # The recognizers accept half a minute. Only push-to-talk creates longer turns.
        pieces = [samples[at : at + MAX_PIECE_LENGTH] for at in range(0, max(1, len(samples)), MAX_PIECE_LENGTH)]
        words = [await loop.run_in_executor(self._recognizing, self.recognizer.recognize, piece) for piece in pieces]
        return " ".join(filter(None, words))

    async def speak(self, text: str, *, voice: str = "heart", speed: float = 1.0) -> MonoAudio:
        """Return the speech for `text`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._speaking, lambda: self.speaker.speak(text, voice=voice, speed=speed))

    @asynccontextmanager
    async def voice_detector(self) -> AsyncIterator[VoiceDetector]:
        """Yield a voice detector that has heard nothing, for one call; another call may use it afterwards."""
        # Loading one takes 0.1 s of a processor, which a call that begins needs for itself.
        spare = self._spare_detectors
        detector = spare.popleft() if spare else await asyncio.to_thread(self.new_voice_detector)
        try:
            yield detector
        finally:
            self.keep_voice_detector(detector)

    def keep_voice_detector(self, detector: VoiceDetector) -> None:
        """Keep a detector that no call uses for the next one, unless there are enough."""
        if len(self._spare_detectors) < MAX_SPARE_DETECTORS:
            detector.reset()
            self._spare_detectors.append(detector)

    def close(self) -> None:
        """Cancel the work of the engines and end their processes."""
        with ExitStack() as steps:  # each step runs even if another fails
            for engine in (self.recognizer, self.speaker):
                if isinstance(engine, SubprocessRecognizer | SubprocessSpeaker):
                    steps.callback(engine.close)
            for executor in (self._recognizing, self._speaking):
                steps.callback(executor.shutdown, wait=False, cancel_futures=True)

    def names(self) -> dict[str, str]:
        """Return the names of the engines, for ``"recognizer"`` and ``"speaker"``."""
        return {"recognizer": self.recognizer.name, "speaker": self.speaker.name}


def load(progress: Callable[[str], None], processes: EngineProcesses) -> Engines:
    """Wait until the engines are loaded and run each once, so that the first turn is not slower than others.

    Parameters
    ----------
    progress : callable
        Called with a text for each loading step.
    processes : EngineProcesses
        The engines; closed if one of them cannot be loaded.

    Raises
    ------
    ModuleNotFoundError
        When no recognizer or no speaker is installed.
    UnknownEngine
        When a chosen engine does not exist.
    """
    from rtc_widget.server.speech import vad

    recognizer, speaker = processes.recognizer, processes.speaker
    progress("Loading speech recognition (1 of 3) …")
    with ThreadPoolExecutor(1) as beside, ExitStack() as unless_loaded:
        unless_loaded.callback(processes.close)
        silence = np.zeros(INPUT_RATE, np.float32)
        detector = vad.silero()
        detector.probability(silence[: detector.frame_length])
        log.info("recognizer: %s", recognizer.name)
        progress("Loading the voice (2 of 3) …")
        recognized = beside.submit(recognizer.recognize, silence)
        log.info("speaker: %s", speaker.name)
        progress("Warming up (3 of 3) …")
        speaker.speak("Hello, I am ready.")
        recognized.result()
        unless_loaded.pop_all()
    return_free_memory()  # of the imports
    if (folder := vad.package_folder()) is not None:
        release_file_pages(folder)
    engines = Engines(recognizer, speaker, vad.silero)
    engines.keep_voice_detector(detector)
    return engines
