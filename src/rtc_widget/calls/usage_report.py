"""Reports to the page what the calls have used, and what that costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rtc_widget.conversation.usage import Usage
from rtc_widget.kernel.main_loop import MainLoop

REPORT_SECONDS = 1.0
"""The shortest time between two reports."""


class UsageReport:
    """Writes the trait that the page reads, at most once a second. Used on the main loop.

    Parameters
    ----------
    usage : Usage
        What all calls have used.
    prices : callable
        Returns the price list; empty if no prices are known.
    write : callable
        Assigns the widget's traits.
    main : MainLoop
        The loop on which the trait is written.
    """

    def __init__(
        self,
        usage: Usage,
        prices: Callable[[], Mapping[str, float]],
        write: Callable[[Mapping[str, object]], None],
        main: MainLoop,
    ) -> None:
        self._usage = usage
        self._prices = prices
        self._write = write
        self._main = main
        self._next_report = 0.0
        self._is_scheduled = False

    def notify(self) -> None:
        """Write the trait soon."""
        now = time.monotonic()
        if self._main.running is None:
            self.write()
        elif now >= self._next_report:
            # One that was scheduled on a loop that has ended is never written: it must not keep others from it.
            self._is_scheduled = False
            self._next_report = now + REPORT_SECONDS
            self.write()
        elif not self._is_scheduled:
            self._is_scheduled = True
            self._main.call_later(self._next_report - now, self._write_scheduled)

    def _write_scheduled(self) -> None:
        self._is_scheduled = False
        self._next_report = time.monotonic() + REPORT_SECONDS
        self.write()

    def write(self) -> None:
        """Write the trait now."""
        self._write({"usage_totals": usage_totals(self._usage, self._prices())})


def usage_totals(usage: Usage, prices: Mapping[str, float]) -> dict[str, Any]:
    """Return the amounts by kind without zeros, their cost, and the names of the prices that are missing for it.

    The cost is None without a price list, and where a price is missing.

    Examples
    --------
    >>> usage_totals(Usage(), {"text_input": 4.0})
    {'amounts': {}, 'cost': 0.0, 'unpriced': []}
    """
    unpriced = usage.unpriced(prices) if prices else []
    return {
        "amounts": {kind: amount for kind, amount in usage.items() if amount},
        "cost": usage.cost(prices) if prices and not unpriced else None,
        "unpriced": unpriced,
    }
