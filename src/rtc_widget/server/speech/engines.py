"""The engines of one server: loaded once, warmed up, and run beside the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from rtc_widget._aiortc.audio import MonoAudio, Samples
from rtc_widget.server.speech import INPUT_RATE, Recognizer, Speaker, VoiceDetector
from rtc_widget.server.speech.selection import EngineChoice
from rtc_widget.server.speech.subprocess_engines import SubprocessRecognizer, SubprocessSpeaker

log = logging.getLogger(__name__)

MAX_PIECE_LENGTH = 30 * INPUT_RATE


def _one_thread(name: str) -> Callable[[], ThreadPoolExecutor]:
    # One thread for each engine: they are not thread-safe, and utterances come out in the order they went in. It
    # waits for the engine's process, or runs an engine that is in this one.
    return lambda: ThreadPoolExecutor(1, thread_name_prefix=name)


@dataclass(slots=True)
class Engines:
    """What a call hears and speaks with.

    Attributes
    ----------
    recognizer, speaker
        Shared by all calls; used in worker threads only, never on the event loop.
    new_voice_detector : callable
        Makes a `VoiceDetector`; each call needs its own.
    """

    recognizer: Recognizer
    speaker: Speaker
    new_voice_detector: Callable[[], VoiceDetector]
    _recognizing: ThreadPoolExecutor = field(default_factory=_one_thread("hearing"))
    _speaking: ThreadPoolExecutor = field(default_factory=_one_thread("speaking"))

    async def recognize(self, samples: Samples) -> str:
        """Return what is said in `samples` (16 kHz)."""
        loop = asyncio.get_running_loop()
        # The recognisers are made for half a minute at most; only push-to-talk makes longer turns.
        pieces = [samples[at : at + MAX_PIECE_LENGTH] for at in range(0, max(1, len(samples)), MAX_PIECE_LENGTH)]
        words = [await loop.run_in_executor(self._recognizing, self.recognizer.recognize, piece) for piece in pieces]
        return " ".join(filter(None, words))

    async def speak(self, text: str, *, voice: str = "heart", speed: float = 1.0) -> MonoAudio:
        """Return `text` spoken."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._speaking, lambda: self.speaker.speak(text, voice=voice, speed=speed))

    async def voice_detector(self) -> VoiceDetector:
        """Return a fresh voice detector (loading its network takes 0.1 s, hence a thread)."""
        return await asyncio.to_thread(self.new_voice_detector)

    def close(self) -> None:
        """End what the engines still do; processes of their own, if they have any, end as well."""
        for executor in (self._recognizing, self._speaking):
            executor.shutdown(wait=False, cancel_futures=True)
        for engine in (self.recognizer, self.speaker):
            if isinstance(engine, SubprocessRecognizer | SubprocessSpeaker):
                engine.close()

    def names(self) -> dict[str, str]:
        """Return the engines' names by what they do."""
        return {"recognizer": self.recognizer.name, "speaker": self.speaker.name}


def load(progress: Callable[[str], None], choice: EngineChoice | None = None) -> Engines:
    """Load engines and run each once, so that the first turn is as quick as any.

    Parameters
    ----------
    progress : callable
        Told what is being loaded.
    choice : EngineChoice, optional
        Which; by default the best that are installed.

    Raises
    ------
    ModuleNotFoundError
        When there is nothing to hear or to speak with.
    UnknownEngine
        When what was chosen is not there.
    """
    from rtc_widget.server.speech import vad

    wanted = choice or EngineChoice()
    progress("Loading speech recognition …")
    # Both load at the same time, each in its process.
    with ExitStack() as unless_loaded:
        recognizer = SubprocessRecognizer(wanted.recognizer)
        unless_loaded.callback(recognizer.close)
        speaker = SubprocessSpeaker(wanted.voice)
        unless_loaded.callback(speaker.close)
        log.info("hearing with %s", recognizer.name)
        progress("Loading the voice …")
        log.info("speaking with %s", speaker.name)
        progress("Warming up …")
        spoken = speaker.speak("Hello, I am ready.")
        # The sound's rate does not matter to a recogniser that only has to be run once.
        recognizer.recognize(np.resize(spoken.samples, INPUT_RATE).astype(np.float32))
        detector = vad.silero()
        detector.probability(np.zeros(detector.frame_length, np.float32))
        unless_loaded.pop_all()
    return Engines(recognizer, speaker, vad.silero)
