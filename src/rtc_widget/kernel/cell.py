"""The cell that runs now, if this is a notebook's kernel or another IPython."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from weakref import WeakSet

_WAKE_SECONDS = 0.25


class SaysIfNotAwaited(Protocol):
    """Something that has to be awaited."""

    def say_if_not_awaited(self) -> None:
        """Say so, if it was not."""
        ...


def in_cell() -> bool:
    """Whether the present task is that of a cell that awaits."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and getattr(task.get_coro(), "__qualname__", "") == "InteractiveShell.run_cell_async"


@contextmanager
def stoppable() -> Iterator[None]:
    """Let an interrupt of the kernel end the wait of a cell soon.

    ipykernel's signal handler asks the loop to cancel the cell, but does not wake it: a loop that waits for nothing
    else than the awaited event would go on waiting.
    """
    waking = asyncio.ensure_future(_wake_loop()) if in_cell() else None
    try:
        yield
    finally:
        if waking is not None:
            waking.cancel()


async def _wake_loop() -> None:
    while True:  # noqa: ASYNC110 - to wake the loop is its purpose
        await asyncio.sleep(_WAKE_SECONDS)


def running_shell() -> Any:
    """Return IPython's shell; None if this is not an IPython. IPython is not imported."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else getattr(ipython, "get_ipython", lambda: None)()


def watch_until_end_of_cell(made: SaysIfNotAwaited) -> None:
    """Let it say at the end of the present cell that it was not awaited; without effect outside of IPython."""
    shell = running_shell()
    if shell is None:
        return
    _made.add(made)
    if _say_all not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _say_all)


_made: WeakSet[Any] = WeakSet()


def _say_all(*_: object) -> None:
    made = list(_made)
    _made.clear()
    for each in made:
        each.say_if_not_awaited()
