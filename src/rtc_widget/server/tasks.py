"""Groups of asyncio tasks that end with their owner."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

END_SECONDS = 5.0
"""Longest time that the end of an owner waits for its cancelled tasks."""


class Tasks:
    """Holds references to running tasks, since asyncio does not, and logs those that fail.

    Parameters
    ----------
    owner : str
        The owner of the tasks, as the log names it.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        """The number of running tasks."""
        return len(self._running)

    def run(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start `work` as a task and return it."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def wait(self) -> None:
        """Wait until the tasks that are running now have ended."""
        if self._running:
            await asyncio.wait(set(self._running))

    async def end(self) -> None:
        """Cancel all running tasks and wait until they have ended, at most `END_SECONDS`."""
        running = set(self._running)
        for task in running:
            task.cancel()
        if not running:
            return
        _, left = await asyncio.wait(running, timeout=END_SECONDS)
        if left:
            # Such as a responder that catches the cancellation: it must not keep its owner from ending.
            log.warning("%d tasks of %s did not end in time", len(left), self._owner)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task of %s failed", self._owner, exc_info=error)


def kind_and_place(error: BaseException) -> str:
    """Return the class of `error` and the calls that led to it, innermost first, without its text.

    The log must not contain what users say, and the text of an error may quote it.

    Examples
    --------
    >>> kind_and_place(ValueError("my secret"))
    'ValueError'
    """
    # Not `extract_tb`, which reads the source files.
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    places = [f"{Path(code.co_filename).name}:{line} in {code.co_name}" for code, line in frames]
    return " < ".join([type(error).__name__, *reversed(places)])
