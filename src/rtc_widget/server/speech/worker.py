"""A process that runs one engine: ``python -m rtc_widget.server.speech.worker KIND NAME``.

The Python code of the engines holds the interpreter lock, so in the process of the server it would block the audio.
The other end of the pipe is `rtc_widget.server.speech.subprocess_engines`. The messages are pickles, because both ends
are this package.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from rtc_widget.server.speech.memory import release_file_pages, return_free_memory


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """A call of a method of the engine."""

    method: str
    arguments: tuple[Any, ...]
    named: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EngineReply:
    """The result of a call. The first reply is the name of the engine, once it is loaded."""

    value: Any


@dataclass(frozen=True, slots=True)
class EngineFailure:
    """An error of the engine: its class and its text."""

    kind: str
    message: str


@runtime_checkable
class MemoryReducer(Protocol):
    """An engine of this package that can keep what it has loaded in less memory."""

    def reduce_memory(self) -> None:
        """Do so; called between two requests."""


def main(kind: str, wanted: str) -> None:
    """Load an engine and serve its calls until the pipe closes; `kind` is ``"recognizer"`` or ``"speaker"``."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the server, and the closed pipe this process
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # All other output, also of native code, goes to standard error.
    os.dup2(2, 1)

    def send(reply: EngineReply | EngineFailure) -> None:
        pickle.dump(reply, replies, pickle.HIGHEST_PROTOCOL)
        replies.flush()

    try:
        from rtc_widget.server.speech import selection

        engine: Any = selection.bytes_recognizer(wanted) if kind == "recognizer" else selection.speaker(wanted)
        lower_priority()  # not before: while the server starts, nobody waits for audio
    except Exception as error:  # noqa: BLE001 - the other end raises it
        send(_failure(error))
        return
    send(EngineReply(engine.name))
    is_first = True
    while True:
        return_free_memory()
        try:
            request: EngineRequest = pickle.load(requests)  # noqa: S301 - from our parent process
        except EOFError:
            return
        try:
            reply: EngineReply | EngineFailure = EngineReply(
                getattr(engine, request.method)(*request.arguments, **request.named)
            )
        except Exception as error:  # noqa: BLE001 - a custom engine may raise anything
            reply = _failure(error)
        send(reply)
        if selection.is_custom(wanted):
            continue  # it may have threads that load something just now
        if isinstance(engine, MemoryReducer):
            engine.reduce_memory()
        if is_first:
            release_file_pages()
            is_first = False


def _failure(error: Exception) -> EngineFailure:
    return EngineFailure(type(error).__name__, str(error))


if __name__ == "__main__":
    # Import by its full name, so that the pickles name the module of the classes.
    from rtc_widget.server.speech import worker

    try:
        worker.main(*sys.argv[1:3])
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(0)  # the server has ended


NICE_INCREMENT = 4
"""Increase of the niceness. A normal thread then gets 2.4 times the CPU time when both are busy (sched(7)): enough for
the audio, while a browser that is busy on the same machine does not hold up the response."""

SWITCH_SECONDS = 0.001
"""Switch interval of the interpreter. The default, 5 ms, is a quarter of an audio frame."""


def lower_priority() -> None:
    """Lower the priority of all threads of this process, and of threads that they start. Only on Linux."""
    if sys.platform == "linux":
        for thread in (int(task.name) for task in Path("/proc/self/task").iterdir()):
            with suppress(ProcessLookupError):  # it has ended
                os.setpriority(
                    os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + NICE_INCREMENT)
                )


def set_switch_interval() -> None:
    """Set the switch interval of the interpreter, so that audio threads do not wait long."""
    sys.setswitchinterval(SWITCH_SECONDS)
