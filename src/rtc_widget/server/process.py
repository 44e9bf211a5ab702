"""The server in a process of its own, as the parent process sees it.

A busy kernel does not interrupt the audio, because the audio is in the server's process. The other end of the pipe is
`rtc_widget.server.responders.parent_pipe`. This module imports only light modules.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import os
import secrets
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from rtc_widget.errors import LocalServerError
from rtc_widget.server.environment import OF_OPENAI, OF_THE_SERVER, environment_without
from rtc_widget.server.responders.python_function import ReplyCallback, ReplyFunction, ReplyRequest, reply_function

__all__ = [
    "Address",
    "ReplyCallback",
    "ReplyFunction",
    "ReplyRequest",
    "ServerProcess",
    "reply_function",
    "running_address",
    "shared_process",
]

logger = logging.getLogger("rtc_widget")

LOG_LINES = 60
"""Lines of the server's output that are kept for error messages."""

OnProgress = Callable[[str], None]


def voice_names() -> tuple[str, ...]:
    """Return the names of the voices that the server speaks with: its own, and those of OpenAI that it replaces."""
    from rtc_widget.server.speech.synthesizer import NEAREST, voices

    return (*voices(), *NEAREST)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens, and the bearer token that it requires."""

    port: int
    token: str = field(repr=False)

    @property
    def url(self) -> str:
        """The base URL of the server."""
        return f"http://127.0.0.1:{self.port}"


class ServerProcess:
    """A server process that ends with this process, even when this process is killed.

    Attributes
    ----------
    ready : concurrent.futures.Future
        Resolves to the `Address`; fails with a `LocalServerError`.
    """

    def __init__(self) -> None:
        self.ready: Future[Address] = Future()
        self._token = secrets.token_urlsafe(32)
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._listeners: list[OnProgress] = []
        self._last_progress = ""
        self._replies: dict[int, Future[None]] = {}
        self._write_lock = threading.Lock()
        self._owner = os.getpid()
        # -P: the server must not import modules, such as a numpy.py, from the folder of the notebook.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "rtc_widget.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environment_without(OF_OPENAI | OF_THE_SERVER),
            # Ctrl-C and an interrupt of the kernel must stop the cell, not the calls.
            start_new_session=True,
        )
        self._logger = threading.Thread(target=self._keep_log, name="local-server-log", daemon=True)
        self._logger.start()
        threading.Thread(target=self._read_messages, name="local-server", daemon=True).start()
        self._send("start", token=self._token)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is running."""
        return self._process.poll() is None

    @contextmanager
    def progress_to(self, listener: OnProgress) -> Iterator[None]:
        """Call `listener`, from another thread, with a text for each loading step."""
        self._listeners.append(listener)
        if self._last_progress and not self.ready.done():
            listener(self._last_progress)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def stop(self) -> None:
        """End the process."""
        if self._owner != os.getpid():
            return  # a fork of the owner exits; the server belongs to the owner
        self._close_input()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()  # without a limit: on a busy machine a killed process may take its time to go

    def _close_input(self) -> None:
        if self._process.stdin is not None:
            with self._write_lock, suppress(OSError):
                self._process.stdin.close()

    def log(self) -> str:
        """Return the last lines that the server printed."""
        return "\n".join(self._log)

    def _keep_log(self) -> None:
        if self._process.stderr is not None:
            with self._process.stderr as lines:
                self._log.extend(line.rstrip() for line in lines)

    def _read_messages(self) -> None:
        if self._process.stdout is not None:
            with self._process.stdout as lines:
                for line in lines:
                    self._receive_line(line)
        self._process.wait()
        self._close_input()
        self._logger.join(1)
        for reply in list(self._replies.values()):
            reply.cancel()
        if not self.ready.done():
            self.ready.set_exception(self._failure())

    def _failure(self) -> LocalServerError:
        output = "\n".join(self.log().splitlines()[-12:])
        return LocalServerError(
            f"The embedded server ended while starting (exit code {self._process.returncode})."
            + (f" Its last output:\n{output}\n" if output else ""),
            hint="If a package is missing, pip install 'rtc-widget[local]'. Otherwise restart the kernel.",
        )

    def _receive_line(self, line: str) -> None:
        try:
            self._receive(json.loads(line))
        except Exception as error:  # noqa: BLE001 - one invalid line must not end the thread that reads
            self._log.append(f"{type(error).__name__} in the line {line[:200]!r}: {error}")

    def _receive(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "progress":
                self._last_progress = message["text"]
                for listener in list(self._listeners):
                    listener(self._last_progress)
            case "ready":
                self.ready.set_result(Address(message["port"], self._token))
            case "reply_request":
                self._start_reply(message["id"], message["reply"], ReplyRequest(message["text"], message["messages"]))
            case "reply_cancel":
                reply = self._replies.get(message["id"])
                if reply is not None:
                    reply.cancel()

    def _start_reply(self, request: int, reply: str, asked: ReplyRequest) -> None:
        function = reply_function(reply)
        if function is None:
            self._send("reply", id=request, error="The reply function of this call no longer exists.")
            return
        running = self._replies[request] = function.call(
            asked, lambda piece: self._send("reply", id=request, piece=piece)
        )
        running.add_done_callback(lambda done: self._reply_ended(request, done))

    def _reply_ended(self, request: int, reply: Future[None]) -> None:
        self._replies.pop(request, None)
        # The function cancelled itself, or the server cancelled it and ignores this message.
        error = asyncio.CancelledError("the reply function was cancelled") if reply.cancelled() else reply.exception()
        if error is not None and not reply.cancelled():
            logger.error("The reply function failed, and so did the response.", exc_info=error)
        # Only the last line of the traceback: the rest may hold private data.
        self._send("reply", id=request, **({} if error is None else {"error": _last_line(error)}))

    def _send(self, kind: str, **fields: Any) -> None:
        if self._process.stdin is None:
            return
        # The server may have ended meanwhile: `ready` or the next exchange reports it.
        with self._write_lock, suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps({"type": kind, **fields}) + "\n")
            self._process.stdin.flush()


def _last_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")


_shared: ServerProcess | None = None
_shared_lock = threading.Lock()


def running_address() -> Address | None:
    """Return the address of the server of this process; None if it is not ready."""
    process = _shared
    if process is None or not process.is_running or not process.ready.done() or process.ready.exception():
        return None
    return process.ready.result()


def shared_process() -> ServerProcess:
    """Return the server of this process; starts one if none is running."""
    global _shared
    with _shared_lock:
        if _shared is None or not _shared.is_running:
            if _shared is not None:
                atexit.unregister(_shared.stop)
            _shared = ServerProcess()
            atexit.register(_shared.stop)
        return _shared
