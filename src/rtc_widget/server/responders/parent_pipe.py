"""The server's end of the pipe to its parent process.

Each line is one JSON object. The server sends `progress`, `ready`, `reply_request` and `reply_cancel`; the parent sends
`start` and, piece by piece, `reply`. When the parent ends for any reason, the pipe closes and the server ends. The
other end is `rtc_widget.server.process`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import queue
import sys
import threading
from typing import Any, BinaryIO

from rtc_widget.server.responders.reply_requests import ReplyRequests

log = logging.getLogger(__name__)


class ParentPipe(ReplyRequests):
    """The connection to the parent process.

    It takes over standard output, so create it before importing modules that print.
    """

    def __init__(self) -> None:
        super().__init__()
        self._input: BinaryIO = sys.stdin.buffer
        # All other output, also of native code, now goes to standard error, which the parent keeps as a log.
        self._output: BinaryIO = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)
        # A busy parent may not read for seconds, and the pipe is then full: the event loop must not wait for it.
        self._unsent: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._write, name="control-output", daemon=True).start()
        self._loop: asyncio.AbstractEventLoop | None = None

    def token(self) -> str:
        """Return the token, the first message. Other processes could read it in the arguments or the environment."""
        line = self._input.readline()
        if not line:
            raise SystemExit(0)
        return str(json.loads(line)["token"])

    def listen(self) -> None:
        """Receive messages on the running loop; end this process when the pipe closes."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, name="control", daemon=True).start()

    def send(self, kind: str, **fields: Any) -> None:
        """Send one message to the parent, from a thread of its own; does not wait."""
        self._unsent.put((json.dumps({"type": kind, **fields}) + "\n").encode())

    def _write(self) -> None:
        while True:
            line = memoryview(self._unsent.get())
            try:
                while line:
                    line = line[self._output.write(line) :]  # unbuffered, so it may write less
            except BrokenPipeError:
                os._exit(0)

    def _read(self) -> None:
        for line in self._input:
            try:
                message = json.loads(line)
            except ValueError:
                log.warning("a line from the parent is not JSON")  # without its content, which may be private
                continue
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self.receive, message)
        # Exit without ending the calls: their client, the kernel, is gone.
        os._exit(0)
