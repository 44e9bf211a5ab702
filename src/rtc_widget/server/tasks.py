"""Tasks that belong to something, and end with it."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


class Tasks:
    """Keeps tasks while they run, since asyncio itself does not, and tells of those that fail.

    Parameters
    ----------
    owner : str
        Whose they are; the subject of the log.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._running: set[asyncio.Task[Any]] = set()

    def run(self, work: Coroutine[Any, Any, Any]) -> None:
        """Begin `work`."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    async def wait(self) -> None:
        """Return when all that was begun before has ended."""
        if self._running:
            await asyncio.wait(set(self._running))

    async def end(self) -> None:
        """Cancel what still runs, and return when it has ended."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task of %s failed", self._owner, exc_info=error)


def kind_and_place(error: BaseException) -> str:
    """Return the class of `error` and the calls that led to it, innermost last, without a word of its text.

    Examples
    --------
    >>> kind_and_place(ValueError("my secret"))
    'ValueError'
    """
    calls = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(call.filename).name}:{call.lineno} in {call.name}" for call in calls]
    return " < ".join([type(error).__name__, *reversed(places)])
