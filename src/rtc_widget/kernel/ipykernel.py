"""Whether a cell can wait for the page: this depends on the version of ipykernel."""

from __future__ import annotations

import sys

from rtc_widget.errors import AwaitUnsupported, PageError, PageTimeout
from rtc_widget.kernel.cell import in_cell

FIRST_RECEIVING_VERSION = (7, 4)
"""From ipykernel 7.4 on, messages of the page arrive during an async cell in every front end."""


def kernel_version() -> tuple[int, int] | None:
    """Return ipykernel's (major, minor) if this process is such a kernel, else None."""
    ipykernel = sys.modules.get("ipykernel")
    if ipykernel is None or "ipykernel.kernelapp" not in sys.modules:
        return None
    major, minor, *_ = ipykernel.version_info
    return int(major), int(minor)


def require_await(hint: str | None = None) -> None:
    """Raise an error in a cell of ipykernel 6, where messages of the page arrive only after the cell has ended.

    A separate task (``asyncio.ensure_future``) may wait there: it continues after the cell.

    Parameters
    ----------
    hint : str, optional
        What to do instead. Default: to split the cell in two.

    Raises
    ------
    AwaitUnsupported
        With the hint.
    """
    version = kernel_version()
    if version is None or version >= (7, 0) or not in_cell():
        return
    raise AwaitUnsupported(
        f"ipykernel {_dotted(version)} receives the page's messages only after this cell ends.", hint=hint
    )


def receives_during_cells() -> bool:
    """Whether messages of the page arrive during a cell; older kernels receive none, even while the cell awaits."""
    version = kernel_version()
    return version is None or version >= FIRST_RECEIVING_VERSION


def no_reply_error(seconds: float, hint: str | None = None) -> PageError:
    """Return an error with the likely reason why no message of the page came for `seconds`.

    `hint` says what to do if the cell itself keeps the messages away. Default: to split the cell in two.
    """
    version = kernel_version()
    if version is not None and version < FIRST_RECEIVING_VERSION and in_cell():
        return AwaitUnsupported(
            f"No message of the page came for {seconds:g} s. In this host, ipykernel {_dotted(version)} probably "
            "receives them only after this cell ends.",
            hint=hint,
        )
    return PageTimeout(
        f"The page did not respond for {seconds:g} s.",
        hint="Check that the notebook is open and connected to its kernel.",
    )


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
