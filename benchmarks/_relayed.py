"""When events were sent, and when a Python callback had them."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks._comparison import quantile


class RelayedEvents:
    """Pairs of times in milliseconds, of one clock: when an event was sent, and when Python had it."""

    def __init__(self, times: Sequence[Sequence[float]]) -> None:
        self._sent = [sent for sent, _ in times]
        self._received = [received for _, received in times]

    @property
    def microseconds_each(self) -> float:
        """The time from the first that was sent to the last that was received, for one event."""
        return (self._received[-1] - self._sent[0]) / len(self._sent) * 1000

    def delay_ms(self, share: float) -> float:
        """Return the delay that this share of the events does not exceed."""
        return quantile([received - sent for sent, received in zip(self._sent, self._received, strict=True)], share)
