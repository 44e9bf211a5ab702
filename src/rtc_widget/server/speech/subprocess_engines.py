"""Engines in subprocesses, so that they do not hold up this one; see `rtc_widget.server.speech.worker`."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from typing import Any, Literal

from rtc_widget._aiortc.audio import MonoAudio, Samples
from rtc_widget.server.speech.selection import UnknownEngine
from rtc_widget.server.speech.worker import EngineFailure, EngineReply, EngineRequest

log = logging.getLogger(__name__)


class EngineFailed(Exception):
    """An engine raised, or its process ended; the message says which and why."""


class ProcessEnded(EngineFailed):
    """The process ended before it had replied."""


class EngineProcess:
    """The process of one engine. It loads at once; `loaded` waits for that.

    A process that has ended, as by a fault in native code, is started anew when it is needed next. What it was asked
    as it ended is asked once more; if that ends the new one too, it is to blame.

    Parameters
    ----------
    what : {"recognizer", "speaker"}
        What it is to do.
    wanted : str
        Which, as in `EngineChoice`.
    """

    def __init__(self, what: Literal["recognizer", "speaker"], wanted: str) -> None:
        self._what = what
        self._wanted = wanted
        self._call_lock = threading.Lock()
        self._start_lock = threading.Lock()
        self._is_closed = False
        self._name: str | None = None
        self._start()

    def loaded(self) -> str:
        """Wait until the engine is loaded, and return its name.

        Raises
        ------
        UnknownEngine, ModuleNotFoundError
            As `choice.recognizer` and `choice.speaker`.
        EngineFailed
            When it fails otherwise.
        """
        with self._call_lock:
            if self._name is None:
                self._name = str(self._received())
            return self._name

    def call(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Call a method of the engine and return what it returns; blocks, so it is called in a thread.

        Raises
        ------
        EngineFailed
            When the engine raises, or ends its process also when it is asked again.
        """
        if self._process.poll() is not None:
            self._start_again()
        try:
            return self._asked(method, *arguments, **named)
        except ProcessEnded:
            self._start_again()
            return self._asked(method, *arguments, **named)

    def _asked(self, method: str, *arguments: Any, **named: Any) -> Any:
        self.loaded()
        with self._call_lock:
            # A process that ends in this moment is noticed when its reply is read.
            with suppress(OSError):
                pickle.dump(EngineRequest(method, arguments, named), self._to, pickle.HIGHEST_PROTOCOL)
                self._to.flush()
            return self._received()

    def close(self) -> None:
        """End the process."""
        with self._start_lock:
            self._is_closed = True
        self._finalizer()

    def _start_again(self) -> None:
        code = self._process.wait()
        with self._start_lock:
            if self._is_closed:
                raise EngineFailed(f"The {self._what} has been closed.")
            log.warning("the %s's process has ended (exit code %s); it is started again", self._what, code)
            self._finalizer()  # its pipes
            self._start()

    def _start(self) -> None:
        self._name = None
        # -P: the folder of whoever started the server may hold a numpy.py.
        command = [sys.executable, "-P", "-m", "rtc_widget.server.speech.worker", self._what, self._wanted]
        # What can be imported here, an engine of one's own above all, can be imported there.
        paths = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=paths)
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("a process was started with pipes and has none")
        self._to, self._from = self._process.stdin, self._process.stdout
        self._finalizer = weakref.finalize(self, _end, self._process)

    def _received(self) -> Any:
        try:
            reply: EngineReply | EngineFailure = pickle.load(self._from)  # noqa: S301 - from the process that was started here
        except (EOFError, OSError, pickle.UnpicklingError):
            code = self._process.wait()
            raise ProcessEnded(f"The {self._what}'s process has ended (exit code {code}).") from None
        if isinstance(reply, EngineReply):
            return reply.value
        if reply.kind in _KNOWN:
            raise _KNOWN[reply.kind](reply.message)
        raise EngineFailed(f"{reply.kind}: {reply.message}".removesuffix(": "))


_KNOWN: dict[str, type[Exception]] = {"UnknownEngine": UnknownEngine, "ModuleNotFoundError": ModuleNotFoundError}


class SubprocessRecognizer:
    """A `Recognizer` in another process."""

    def __init__(self, wanted: str) -> None:
        self._engine = EngineProcess("recognizer", wanted)

    @property
    def name(self) -> str:
        """What hears, for people; waits until it is loaded."""
        return self._engine.loaded()

    def recognize(self, samples: Samples) -> str:
        """Return what is said in `samples` (16 kHz)."""
        return str(self._engine.call("recognize", samples))

    def close(self) -> None:
        """End the process."""
        self._engine.close()


class SubprocessSpeaker:
    """A `Speaker` in another process."""

    def __init__(self, wanted: str) -> None:
        self._engine = EngineProcess("speaker", wanted)

    @property
    def name(self) -> str:
        """What speaks, for people; waits until it is loaded."""
        return self._engine.loaded()

    def speak(self, text: str, *, voice: str = "heart", speed: float = 1.0) -> MonoAudio:
        """Return `text` spoken."""
        sound = self._engine.call("speak", text, voice=voice, speed=speed)
        if not isinstance(sound, MonoAudio):
            raise EngineFailed(f"The speaker returned {type(sound).__name__}, not MonoAudio.")
        return sound

    def close(self) -> None:
        """End the process."""
        self._engine.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(2)
    if process.stdout is not None:
        process.stdout.close()
