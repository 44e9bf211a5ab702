"""Logging that does not wait for its output: a full pipe or a stopped terminal must not stop the calls."""

from __future__ import annotations

import atexit
import logging
import queue
import threading
from contextlib import suppress
from logging.handlers import QueueHandler

MAX_WAITING = 10_000
"""Limit on lines that wait for the output; later ones are dropped."""

EXIT_SECONDS = 5.0
"""Longest time in seconds that the exit of the process waits for the output."""


def log_from_thread(level: int, line_format: str) -> None:
    """Write all log records of `level` and above to standard error, from a thread of its own.

    Does nothing if the root logger has a handler already, like `logging.basicConfig`.
    """
    root = logging.getLogger()
    if root.handlers:
        return
    output = logging.StreamHandler()
    output.setFormatter(logging.Formatter(line_format))
    writer = _Writer(output)
    writer.start()
    atexit.register(writer.stop)
    root.addHandler(_DroppingHandler(writer.waiting))
    root.setLevel(level)


class _Writer(threading.Thread):
    """Writes the records of a queue until it gets None. A `QueueListener` cannot be stopped while its queue is full."""

    def __init__(self, output: logging.Handler) -> None:
        super().__init__(name="log", daemon=True)
        self.waiting: queue.Queue[logging.LogRecord | None] = queue.Queue(MAX_WAITING)
        self._output = output

    def run(self) -> None:
        """Write until `stop`."""
        while (record := self.waiting.get()) is not None:
            self._output.handle(record)

    def stop(self) -> None:
        """Write the waiting records, within `EXIT_SECONDS`."""
        with suppress(queue.Full):
            self.waiting.put(None, timeout=EXIT_SECONDS)
        self.join(EXIT_SECONDS)


class _DroppingHandler(QueueHandler):
    """A `QueueHandler` that drops records while its queue is full, instead of printing an error for each."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Return `record` with its message; the writer formats the traceback, for which it reads the source files."""
        record.msg, record.args = record.getMessage(), None
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        """Add `record` to the queue, if there is room."""
        with suppress(queue.Full):
            super().enqueue(record)
