"""A process that hears, or speaks, for the server: run as ``python -m rtc_widget.server.speech.worker WHAT WANTED``.

The engines' Python parts hold the interpreter lock; in the server's own process they would hold up the sound. The
pipe's other end is `rtc_widget.server.speech.subprocess_engines`. Over it go pickles: both ends are this package.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """A method of the engine that is to be called."""

    method: str
    arguments: tuple[Any, ...]
    named: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EngineReply:
    """What it returned; first of all the engine's name, when it is loaded."""

    value: Any


@dataclass(frozen=True, slots=True)
class EngineFailure:
    """That it raised, and what."""

    kind: str
    message: str


def main(what: str, wanted: str) -> None:
    """Load an engine, ``"recognizer"`` or ``"speaker"``, and serve it until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, and with it this ends
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Whatever else prints, natively too, goes to standard error.
    os.dup2(2, 1)

    def send(reply: EngineReply | EngineFailure) -> None:
        pickle.dump(reply, replies, pickle.HIGHEST_PROTOCOL)
        replies.flush()

    try:
        from rtc_widget.server.speech import selection

        lower_priority()
        engine: Any = selection.recognizer(wanted) if what == "recognizer" else selection.speaker(wanted)
    except Exception as error:  # noqa: BLE001 - told at the other end
        send(_failure(error))
        return
    send(EngineReply(engine.name))
    while True:
        try:
            request: EngineRequest = pickle.load(requests)  # noqa: S301 - from the process that started this one
        except EOFError:
            return
        try:
            reply: EngineReply | EngineFailure = EngineReply(
                getattr(engine, request.method)(*request.arguments, **request.named)
            )
        except Exception as error:  # noqa: BLE001 - an engine may be anybody's: whatever it raises is told
            reply = _failure(error)
        send(reply)


def _failure(error: Exception) -> EngineFailure:
    return EngineFailure(type(error).__name__, str(error))


if __name__ == "__main__":
    # By its full name, so that the pickles say where the classes are.
    from rtc_widget.server.speech import worker

    try:
        worker.main(*sys.argv[1:3])
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(0)  # the server has gone


NICE_INCREMENT = 10
"""By so many steps: it gets about a tenth of the processor's time of one that did not step back, if both want it."""

SWITCH_SECONDS = 0.001
"""After so long a thread gives the interpreter to the one that waits; Python's own 5 ms are a quarter of a frame."""


def lower_priority() -> None:
    """Give the calling thread, and those it will make, a lower priority; only Linux has one for each thread."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + NICE_INCREMENT))


def set_switch_interval() -> None:
    """Make this process's threads take turns often enough for sound."""
    sys.setswitchinterval(SWITCH_SECONDS)
