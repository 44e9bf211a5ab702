"""Whether a coroutine can wait here for the page, or for the events of a call."""

from __future__ import annotations

from rtc_widget.errors import AwaitUnsupported
from rtc_widget.kernel.ipykernel import require_await
from rtc_widget.kernel.main_loop import MainLoop


class AwaitGuard:
    """Raises at once where waiting would never end.

    Parameters
    ----------
    main : MainLoop
        The loop on which events are delivered.
    is_browser : bool
        Whether the page is in a browser; a page in this process is heard on every kernel.
    """

    def __init__(self, main: MainLoop, *, is_browser: bool) -> None:
        self._main = main
        self._is_browser = is_browser

    def require_page(self) -> None:
        """Require that the caller can wait for the page: on the main loop, or on a loop that takes its place.

        Raises
        ------
        AwaitUnsupported
            In a cell of ipykernel 6, which delivers no message of the browser before the cell has ended.
        """
        if self._is_browser:
            require_await()
        self._main.adopt()

    def require_events(self) -> None:
        """Require that the caller can wait for events: as `require_page`, and on the main loop itself.

        Raises
        ------
        AwaitUnsupported
            Also on another loop while the main one runs, since events would not wake it.
        """
        self.require_page()
        if self._main.runs_elsewhere:
            raise AwaitUnsupported(
                "Events are delivered on the kernel's event loop, and this is another loop.",
                hint="Await in a cell, or use asyncio.run_coroutine_threadsafe(…, loop) from a thread.",
            )
