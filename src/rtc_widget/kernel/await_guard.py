"""Checks that a coroutine can wait here for the page, or for events."""

from __future__ import annotations

from rtc_widget.errors import AwaitUnsupported
from rtc_widget.kernel.ipykernel import require_await
from rtc_widget.kernel.main_loop import MainLoop


class AwaitGuard:
    """Raises an error where waiting would never end.

    Parameters
    ----------
    main : MainLoop
        The loop on which events are delivered.
    is_browser : bool
        Whether the page is in a browser; the messages of a page in this process arrive on every kernel.
    hint : str, optional
        What to do instead of waiting in a cell. Default: to split the cell in two.
    """

    def __init__(self, main: MainLoop, *, is_browser: bool, hint: str | None = None) -> None:
        self._main = main
        self._is_browser = is_browser
        self._hint = hint

    def require_page(self) -> None:
        """Require that the caller can wait for the page: on the main loop, or on another loop.

        Raises
        ------
        AwaitUnsupported
            In a cell of ipykernel 6, which delivers messages of the browser only after the cell has ended.
        """
        if self._is_browser:
            require_await(self._hint)
        self._main.adopt()

    def require_events(self) -> None:
        """Require that the caller can wait for events: as `require_page`, and on the main loop itself.

        Raises
        ------
        AwaitUnsupported
            Also on another loop while the main loop runs, since events would not wake it.
        """
        self.require_page()
        if self._main.runs_elsewhere:
            raise AwaitUnsupported(
                "Events are delivered on the kernel's event loop, but this coroutine runs on another loop.",
                hint="Await it in a cell, or use asyncio.run_coroutine_threadsafe(…, loop) in a thread.",
            )
