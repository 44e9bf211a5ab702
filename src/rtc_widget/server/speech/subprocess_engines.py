"""Engines in subprocesses, so that they do not block the audio; see `rtc_widget.server.speech.worker`."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import threading
import weakref
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Literal

from rtc_widget.server.environment import OF_OPENAI, OF_THE_SERVER, environment_without
from rtc_widget.server.speech.selection import EngineChoice, UnknownEngine, is_custom
from rtc_widget.server.speech.worker import EngineFailure, EngineReply, EngineRequest

if TYPE_CHECKING:
    # Not at run time: the processes of the engines start before NumPy is loaded.
    from rtc_widget._aiortc.audio import MonoAudio, Samples

log = logging.getLogger(__name__)


class EngineFailed(Exception):
    """An engine raised an error, or its process ended. The message gives the reason."""


class ProcessEnded(EngineFailed):
    """The process ended before its reply."""


class EngineProcess:
    """The process of one engine. It starts to load at once; `loaded` waits until it is ready.

    If the process ends, for example by a crash in native code, the next call starts a new one. The call during which
    it ended is repeated once.

    Parameters
    ----------
    kind : {"recognizer", "speaker"}
        The kind of engine.
    wanted : str
        The name of the engine, as in `EngineChoice`.
    """

    def __init__(self, kind: Literal["recognizer", "speaker"], wanted: str) -> None:
        self._kind = kind
        self._wanted = wanted
        self._call_lock = threading.Lock()
        self._start_lock = threading.Lock()
        self._is_closed = False
        self._is_loaded = False
        self._name: str | None = None
        self._start()

    @property
    def name(self) -> str:
        """The name of the engine. The first access waits until it is loaded; a later one never waits.

        Raises as `loaded`.
        """
        # Without the lock, which a call holds for as long as it takes: the event loop reads the name.
        return self.loaded() if self._name is None else self._name

    def loaded(self) -> str:
        """Wait until the engine is loaded, and until a call in progress has ended, and return its name.

        Raises
        ------
        UnknownEngine, ModuleNotFoundError
            As `selection.recognizer` and `selection.speaker`.
        EngineFailed
            When loading fails for another reason.
        """
        with self._call_lock:
            if not self._is_loaded or self._name is None:
                self._name = str(self._received())
                self._is_loaded = True
            return self._name

    def call(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Call a method of the engine and return its result. This blocks, so call it in a worker thread.

        Raises
        ------
        EngineFailed
            When the engine raises, or its process ends in the repeated call too.
        """
        if self._process.poll() is not None:
            self._restart()
        try:
            return self._request(method, *arguments, **named)
        except ProcessEnded:
            self._restart()
            return self._request(method, *arguments, **named)

    def _request(self, method: str, *arguments: Any, **named: Any) -> Any:
        self.loaded()
        with self._call_lock:
            # If the process ends meanwhile, reading its reply fails.
            with suppress(OSError):
                pickle.dump(EngineRequest(method, arguments, named), self._to, pickle.HIGHEST_PROTOCOL)
                self._to.flush()
            return self._received()

    def close(self) -> None:
        """End the process."""
        with self._start_lock:
            self._is_closed = True
        self._finalizer()

    def _restart(self) -> None:
        code = self._process.wait()
        with self._start_lock:
            if self._is_closed:
                raise EngineFailed(f"The {self._kind} has been closed.")
            log.warning("the %s's process has ended (exit code %s); starting a new one", self._kind, code)
            self._finalizer()  # its pipes
            self._start()

    def _start(self) -> None:
        self._is_loaded = False
        # -P: do not import modules, such as a numpy.py, from the current folder.
        command = [sys.executable, "-P", "-m", "rtc_widget.server.speech.worker", self._kind, self._wanted]
        # The process must be able to import the same modules, such as a custom engine.
        paths = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        # A custom engine (module:Class) may call a service with its key.
        withheld = OF_THE_SERVER if is_custom(self._wanted) else OF_THE_SERVER | OF_OPENAI
        environment = environment_without(withheld) | paths
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the process has no pipes")
        self._to, self._from = self._process.stdin, self._process.stdout
        self._finalizer = weakref.finalize(self, _end, self._process)

    def _received(self) -> Any:
        try:
            reply: EngineReply | EngineFailure = pickle.load(self._from)  # noqa: S301 - from our own process
        except (EOFError, OSError, pickle.UnpicklingError):
            code = self._process.wait()
            raise ProcessEnded(f"The {self._kind}'s process has ended (exit code {code}).") from None
        if isinstance(reply, EngineReply):
            return reply.value
        if reply.kind in _ERROR_TYPES:
            raise _ERROR_TYPES[reply.kind](reply.message)
        raise EngineFailed(f"{reply.kind}: {reply.message}".removesuffix(": "))


_ERROR_TYPES: dict[str, type[Exception]] = {"UnknownEngine": UnknownEngine, "ModuleNotFoundError": ModuleNotFoundError}


class SubprocessRecognizer:
    """A `Recognizer` in another process."""

    def __init__(self, wanted: str) -> None:
        self._engine = EngineProcess("recognizer", wanted)

    @property
    def name(self) -> str:
        """The name of the recognizer; the first access waits until it is loaded."""
        return self._engine.name

    def recognize(self, samples: Samples) -> str:
        """Return the text of the speech in `samples` (16 kHz)."""
        return str(self._engine.call("recognize_bytes", samples.astype("float32").tobytes()))

    def close(self) -> None:
        """End the process."""
        self._engine.close()


class SubprocessSpeaker:
    """A `Speaker` in another process."""

    def __init__(self, wanted: str) -> None:
        self._engine = EngineProcess("speaker", wanted)

    @property
    def name(self) -> str:
        """The name of the speaker; the first access waits until it is loaded."""
        return self._engine.name

    def speak(self, text: str, *, voice: str = "heart", speed: float = 1.0) -> MonoAudio:
        """Return the speech for `text`."""
        from rtc_widget._aiortc.audio import MonoAudio

        audio = self._engine.call("speak", text, voice=voice, speed=speed)
        if not isinstance(audio, MonoAudio):
            raise EngineFailed(f"The speaker must return MonoAudio, got {type(audio).__name__}.")
        return audio

    def close(self) -> None:
        """End the process."""
        self._engine.close()


class EngineProcesses:
    """The processes of a recognizer and a speaker. Both start to load at once.

    Parameters
    ----------
    choice : EngineChoice, optional
        The engines to load; by default the best installed ones.
    """

    def __init__(self, choice: EngineChoice | None = None) -> None:
        wanted = choice or EngineChoice()
        self.recognizer = SubprocessRecognizer(wanted.recognizer)
        self.speaker = SubprocessSpeaker(wanted.voice)

    def close(self) -> None:
        """End both processes."""
        with ExitStack() as steps:  # each step runs even if another fails
            steps.callback(self.recognizer.close)
            steps.callback(self.speaker.close)


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()  # without a limit: on a busy machine a killed process may take its time to go
    if process.stdout is not None:
        process.stdout.close()
