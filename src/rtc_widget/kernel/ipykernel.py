"""Whether a cell can wait for the page: it depends on how the kernel delivers messages while a cell runs."""

from __future__ import annotations

import asyncio
import sys

from rtc_widget.errors import AwaitUnsupported, PageError, PageTimeout

FIRST_RECEIVING_VERSION = (7, 4)
"""From ipykernel 7.4 on, messages of the page arrive during an async cell, whatever the front end."""


def kernel_version() -> tuple[int, int] | None:
    """Return ipykernel's (major, minor) if this process is such a kernel."""
    ipykernel = sys.modules.get("ipykernel")
    if ipykernel is None or "ipykernel.kernelapp" not in sys.modules:
        return None
    major, minor, *_ = ipykernel.version_info
    return int(major), int(minor)


def require_await() -> None:
    """Raise at once if this is a cell of ipykernel 6, where nothing the page says is heard before the cell ends.

    A task of its own (``asyncio.ensure_future``) may wait there: it goes on after the cell.

    Raises
    ------
    AwaitUnsupported
        Explains the two-cell way.
    """
    version = kernel_version()
    if version is None or version >= (7, 0) or not _in_cell():
        return
    raise AwaitUnsupported(f"ipykernel {_dotted(version)} cannot hear the page before this cell has ended.")


def receives_during_cells() -> bool:
    """Whether silence of a page means anything: older kernels hear nothing while a cell runs, even while it awaits."""
    version = kernel_version()
    return version is None or version >= FIRST_RECEIVING_VERSION


def no_reply_error(seconds: float) -> PageError:
    """Return the likely reason why the page has not said a word for `seconds`."""
    version = kernel_version()
    if version is not None and version < FIRST_RECEIVING_VERSION and _in_cell():
        return AwaitUnsupported(
            f"ipykernel {_dotted(version)} has heard nothing from the page for {seconds:g} s: in this host it probably "
            "cannot before this cell has ended."
        )
    return PageTimeout(
        f"The page has said nothing for {seconds:g} s.", hint="Is the notebook still open, and its kernel connected?"
    )


def _in_cell() -> bool:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and getattr(task.get_coro(), "__qualname__", "") == "InteractiveShell.run_cell_async"


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
